"""What the predictions of a model are worth, by target; results in one form, so that no reader asks for the target."""
