"""`python -m augmentai`."""

from augmentai.cli.app import main

if __name__ == "__main__":
    main()
