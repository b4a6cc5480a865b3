"""A shop in a real git repository."""

from tests.checking.shops import git_of_nobody, shop, shops, unreleased

__all__ = ["git_of_nobody", "shop", "shops", "unreleased"]
