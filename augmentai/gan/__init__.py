"""The local GAN: `network` (the model), `trainer` and `train`, `render` (full-size pixels), `weights_file`."""
