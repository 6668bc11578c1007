"""The deflicker head that ships: ONNX, which runs, in float32 and float16; the safetensors they were made from; its card."""
