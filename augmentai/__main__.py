"""`python -m augmentai`."""

from augmentai.cli import main

if __name__ == "__main__":
    main()
