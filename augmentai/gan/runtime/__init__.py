"""The local GAN as it runs: NumPy and ONNX Runtime, without torch, which only its training needs."""
