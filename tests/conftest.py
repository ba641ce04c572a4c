"""One process for all tests."""

from gevent import monkey

# pyinfra_cli, which pyinfra_testing imports, would make the standard library cooperative for the
# whole process, under the feet of the proxy's asyncio. The tests here need none of it.
monkey.patch_all = lambda: None
