#!/bin/bash
# NVIDIA AI Workbench runs this first in the container build, before requirements.txt is installed. The base image's own
# Python is 3.10 and AugmentAI needs a newer one: it is installed beside it, and .project/spec.yaml names its pip.
# User packages stay visible in it, as Workbench installs with `pip install --user`.
set -euo pipefail
sudo -H python3 -m pip install --quiet "uv==0.13.9"
sudo install -d -o "$(id -u)" -g "$(id -g)" /opt/augmentai /opt/python
UV_PYTHON_INSTALL_DIR=/opt/python uv venv --clear --seed --system-site-packages \
  --python 3.11 --python-preference only-managed /opt/augmentai
/opt/augmentai/bin/python --version
