"""Cutting things out of images and putting them onto others."""
