"""Labels as drawings: on the page, in its cards and in the contact sheet of a set."""
