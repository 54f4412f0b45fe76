"""AugmentAI's entry: `python app.py`, and what a Space starts."""

from augmentai.web.launch import main

if __name__ == "__main__":
    main()
