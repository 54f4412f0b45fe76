#!/bin/bash
# NVIDIA AI Workbench runs this last in the container build, after requirements.txt is installed.
set -euo pipefail
# The volume for models and credits: created here, so that it belongs to the user the page runs as.
sudo install -d -o "$NVWB_UID" -g "$NVWB_GID" /mnt/augmentai
/opt/augmentai/bin/python -c "import diffusers, gradio, torch; print('torch', torch.__version__)"
