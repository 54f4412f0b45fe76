"""List prices of providers, as data. 1 credit is 0.01 US dollars; an edit is of one megapixel."""

from __future__ import annotations

from collections.abc import Mapping

from augmentai.settings import Settings

PROVIDERS = ("fal-ai", "replicate", "together", "wavespeed", "hf-inference")

# Nothing is bought at a price that is not known; the settings add to these.
PRICES: Mapping[tuple[str, str], float] = {
    ("fal-ai", "black-forest-labs/FLUX.2-klein-9B"): 2.8,
}


class PriceError(ValueError):
    """The price of an image is not known; the message says how to state it."""


def price_of(settings: Settings) -> float:
    """Credits for one image.

    Raises:
        PriceError: the price is not known.

    Example:
        >>> price_of(Settings(huggingface_provider="fal-ai"))
        2.8
    """
    provider, model = settings.huggingface_provider, settings.huggingface_model
    price = settings.huggingface_prices.get(model, PRICES.get((provider, model)))
    if price is None:
        raise PriceError(
            f"the price of {model} at {provider} is not known; state it in credits (1 credit is 0.01 US dollars): "
            f"AUGMENTAI_HUGGINGFACE_PRICES={model}=3"
        )
    return price
