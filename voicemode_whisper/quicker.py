"""Two questions that pyinfra asks itself for every operation of every host, with less work.

They were half of what a host costs the machine that runs pyinfra. The answers stay what they were.
"""

from functools import cache, partial
from inspect import getframeinfo, stack

from pyinfra.api import arguments, util

# Its arguments and their types: it works out the hints of the same class again each time.
arguments.all_global_arguments = cache(arguments.all_global_arguments)

# From which lines an operation was called. It looks at no line's text, for which Python goes
# through all modules to find whose it is.
util.stack = partial(stack, 0)
util.getframeinfo = partial(getframeinfo, context=0)
