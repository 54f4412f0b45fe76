"""The local GAN: `network` (the model), `render` (pixels), `store` (files), `train` (the trainer)."""
