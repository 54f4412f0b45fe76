"""Access to the page: request guard, rate limits, visitors, and the limits of public pages."""
