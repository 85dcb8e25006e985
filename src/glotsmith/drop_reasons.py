"""The reasons of drops and losses: each has a name, which is stored, and a clause for users.

Read a clause as "dropped because …". The ledger, the funnel and the dataset card contain the names.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A reason of a drop or a loss: its value is its name in the ledger, and ``because`` is its clause."""

    because: str

    def __new__(cls, name: str, because: str) -> "Reason":
        """Return a member that equals the string ``name`` and has the attribute ``because``."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.because = because
        return member

    # sources
    UNREADABLE = "unreadable", "the file cannot be read as UTF-8 text"
    TOO_LARGE = "too_large", "the file or function is larger than the limit"
    SYNTAX_ERROR = "syntax_error", "the file does not parse as Python"
    TOO_DEEP = "too_deep", "the source is nested too deeply to process"
    NOT_A_FUNCTION = "not_a_function", "the row contains no top-level function"
    DECORATED = "decorated", "a decorator changes its behaviour"
    UNDOCUMENTED = "undocumented", "the function has no docstring"
    RETURNS_NOTHING = "returns_nothing", "no return statement returns a value"
    NOT_STANDALONE = "not_standalone", "it uses names that it does not define and that are not builtins"
    IMPORTS = "imports", "it imports a module that is not allowed"
    UNSUPPORTED_PARAMETERS = (
        "unsupported_parameters",
        "a parameter cannot be passed by position (keyword-only without default, *args or **kwargs)",
    )
    TODO = "todo", "it is marked as unfinished"
    TRIVIAL = "trivial", "its body is a single return of a small expression"
    NON_ASCII = "non_ascii", "the source contains non-ASCII characters"
    TYPE_ERROR = "type_error", "the type checker (Pyright) reports an error"
    EXACT_DUPLICATE = "exact_duplicate", "the same text was kept before"
    NEAR_DUPLICATE = "near_duplicate", "a text kept before is too similar"
    UNSTORABLE = "unstorable", "its text contains lone surrogates, which UTF-8 cannot store"
    CONTAMINATED = "contaminated", "it overlaps with a benchmark"
    NOT_SAMPLED = "not_sampled", "the run is limited to fewer functions"
    FORBIDDEN_LICENCE = "forbidden_licence", "its licence is not an accepted one"

    # suites
    NO_TESTS = "no_tests", "no writer produced a usable test case"
    TOO_FEW_CASES = "too_few_cases", "fewer valid test cases than required remain"
    ONE_EXPECTED_VALUE = "one_expected_value", "all cases expect the same value"
    NONDETERMINISTIC = "nondeterministic", "two runs under different hash seeds differ"
    LOW_COVERAGE = "low_coverage", "the cases cover too few lines and branches of the function"
    WEAK_SUITE = "weak_suite", "too many mutants of the source pass the suite"
    SOURCE_FAILS = "source_fails", "the function raises an error or reaches a limit in every case"

    # tasks: one problem in one language
    UNREPRESENTABLE = (
        "unrepresentable",
        "the target language cannot represent a value, type or name, or two tests contradict each other in it",
    )
    STUB_FAILS_TO_COMPILE = "stub_fails_to_compile", "a typed stub does not compile, so no program could pass"
    STUB_PASSES = "stub_passes", "a stub passes the suite, so the suite proves nothing"

    # generation
    NO_CODE = "no_code", "the reply contains no code"
    TEACHER_REFUSED = "teacher_refused", "the teacher refuses this item"
    TEACHER_FAILED = "teacher_failed", "the teacher gave no usable reply after all retries"
    DUPLICATE_CANDIDATE = "duplicate_candidate", "the same program was generated before for this problem"
    FAILED_VERIFICATION = "failed_verification", "the program fails its suite"
    NOT_VERIFIED = "not_verified", "the machine failed, so the program has no verdict"
    ESCALATED = "escalated", "a model failed, so the next model of its role got the request"
    NO_PASSING_SOLUTION = "no_passing_solution", "no candidate passed the suite"

    # any step
    INTERNAL_ERROR = (
        "internal_error",
        "a step raised an unexpected error on it, whose traceback is in the log",
    )

    # structured replies
    EMPTY_REPLY = "empty_reply", "the reply is empty"
    UNPARSABLE_REPLY = "unparsable_reply", "the reply is not in the requested form"
    INCOMPLETE_REPLY = "incomplete_reply", "the reply lacks a requested part, or has it in the wrong form"

    # snippets, instructions and answers (inverse-instruct, xcoder)
    NOT_A_SNIPPET = "not_a_snippet", "the row or file contains neither code nor a response"
    UNKNOWN_LANGUAGE = "unknown_language", "its language is not stated, cannot be guessed, or is not supported"
    UNPARSABLE_CODE = "unparsable_code", "it contains neither a fenced block nor text that parses as a program"
    LANGUAGE_NOT_WANTED = "language_not_wanted", "its language is not a requested one"
    UNTESTED = "untested", "it has no suite, so it cannot be tested"
    CUT_OFF = "cut_off", "the reply reached its length limit, so its end is missing"
    LEAKS_CODE = "leaks_code", "the instruction contains the program"
    DUPLICATE_SUMMARY = "duplicate_summary", "the same instruction was written before for this snippet"
    NO_INSTRUCTION = "no_instruction", "all instructions for it were dropped, for several reasons"
    NOT_SCORED = "not_scored", "the answer of the model is neither Yes nor No"
    NOT_CHOSEN = "not_chosen", "another instruction for the snippet ranks higher"
    FAILED_ROUND_TRIP = "failed_round_trip", "the teacher's answer to the instruction fails the snippet's suite"

    # discussed problems (xcoder)
    REPEATS_MEMORY = "repeats_memory", "the discussion repeats a problem that its agents made before"
    UNREAD_EXAMPLE = "unread_example", "an example in the problem cannot be judged and was omitted"
    CONTRADICTED = "contradicted", "an example in the problem contradicts its own reference solution"
    SAME_BEHAVIOUR = "same_behaviour", "its results equal those of an earlier problem, on all tests of that problem"
    NO_AGREEMENT = "no_agreement", "independent solutions agree on its tests in too few languages"
    LOW_SCORE = "low_score", "the score of the rubric is below the limit, and no execution verified the instruction"
