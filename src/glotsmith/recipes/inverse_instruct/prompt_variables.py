"""The variables of the recipe's prompts."""

from glotsmith.prompts import PromptInterface, PromptVariable

_COMMON = {
    "language": PromptVariable("name of the language of the snippet", "Lua"),
    "fence": PromptVariable("word after the fence of a block of code in the language", "lua"),
}
_CODE = PromptVariable("the snippet", "local function total(xs)\n  …\nend")
_INSTRUCTION = PromptVariable("the instruction that a model wrote for the snippet", "Write a Lua function total …")
_SUMMARISE = _COMMON | {
    "code": _CODE,
    "opening": PromptVariable("first words of the instruction", "Write a Lua"),
}
_EVALUATE = _COMMON | {"code": _CODE, "instruction": _INSTRUCTION}
_ANSWER = _COMMON | {  # without the snippet, which an answer must not see
    "instruction": _INSTRUCTION,
    "name": PromptVariable("name of the function", "total"),
    "signature": PromptVariable("typed Python signature; empty if it is unknown", "def total(xs: list[int]) -> int"),
    "prefix": PromptVariable("start of the program in the language; empty without a signature", "function total(xs)"),
    "forms": PromptVariable("how the language writes the values of the signature", "- a list: {1, 2}"),
}

#: call → variables of its prompt for chats, and for completions
INTERFACES = {
    "summarise": (
        PromptInterface(_SUMMARISE, (("code",),)),
        PromptInterface(_SUMMARISE, (("code",), ("opening",))),  # the reply continues it
    ),
    "evaluate": (PromptInterface(_EVALUATE, (("instruction",), ("code",))),) * 2,
    "answer": (
        PromptInterface(_ANSWER, (("instruction",),)),
        PromptInterface(_ANSWER, (("instruction",), ("prefix",))),
    ),
}
