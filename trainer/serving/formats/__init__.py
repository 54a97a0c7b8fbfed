"""A trained model in the formats of other runtimes: LiteRT, ONNX, a SavedModel or a Keras file in float32."""
