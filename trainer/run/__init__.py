"""One run: planned, trained, resumed, recorded, mirrored."""
