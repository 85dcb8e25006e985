"""The variables of the recipe's prompts."""

from glotsmith.prompts import PromptInterface, PromptVariable

_COMMON = {
    "language": PromptVariable("name of the language of the snippet", "Lua"),
    "fence": PromptVariable("word after the fence of a block of code in the language", "lua"),
}
_CODE = PromptVariable("the snippet", "local function total(xs)\n  …\nend")
_INSTRUCTION = PromptVariable("the instruction that a model wrote for the snippet", "Write a Lua function total …")
_GENERATE = _COMMON | {
    "code": _CODE,
    "opening": PromptVariable("first words of the instruction", "Write a Lua"),
}
_SCORE = _COMMON | {"code": _CODE, "instruction": _INSTRUCTION}
_SOLVE = _COMMON | {  # without the snippet, which an answer must not see
    "instruction": _INSTRUCTION,
    "name": PromptVariable("name of the function", "total"),
    "signature": PromptVariable("typed Python signature; empty if it is unknown", "def total(xs: list[int]) -> int"),
    "prefix": PromptVariable("start of the program in the language; empty without a signature", "function total(xs)"),
    "forms": PromptVariable("how the language writes the values of the signature", "- a list: {1, 2}"),
}

#: call → variables of its prompt for chats, and for completions
INTERFACES = {
    "generate": (
        PromptInterface(_GENERATE, (("code",),)),
        PromptInterface(_GENERATE, (("code",), ("opening",))),  # the reply continues it
    ),
    "score": (PromptInterface(_SCORE, (("instruction",), ("code",))),) * 2,
    "solve": (
        PromptInterface(_SOLVE, (("instruction",),)),
        PromptInterface(_SOLVE, (("instruction",), ("prefix",))),
    ),
}
