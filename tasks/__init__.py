"""The stages of a deploy, one a module; each can be used alone in a deploy of your own."""
