# AugmentAI as a container: docker build -t augmentai . && docker run -p 127.0.0.1:7860:7860 augmentai
FROM python:3.11-slim-bookworm

# The page runs as an unprivileged user; a Docker Space requires this uid.
RUN useradd --create-home --uid 1000 augmentai \
    && install -d -o augmentai -g augmentai /app /data

# Torch without CUDA is a tenth of the size. For a GPU: --build-arg TORCH_INDEX=https://pypi.org/simple
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

WORKDIR /app
# Dependencies come before the code, so that a change of the code does not reinstall them.
COPY requirements.txt requirements.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.lock \
    && pip install --no-cache-dir --index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.txt)"

COPY --chown=augmentai:augmentai LICENSE README.md app.py ./
COPY --chown=augmentai:augmentai augmentai/ augmentai/
COPY --chown=augmentai:augmentai examples/ examples/
COPY --chown=augmentai:augmentai weights/ weights/

ENV AUGMENTAI_STATE=/data/state \
    GRADIO_ANALYTICS_ENABLED=False \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    HF_HOME=/data/huggingface \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

USER 1000:1000
# Downloaded diffusion models and the credits spent today outlive the container here.
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/gradio_api/app_id', timeout=4)"]
CMD ["python", "app.py"]
