"""Every reason for which an item may be dropped: one member, one sentence.

Read a sentence as "dropped because …". A reason is the key in the ledger, the funnel and the dataset card.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A drop reason: its value is the name in the ledger, ``because`` its sentence."""

    because: str

    def __new__(cls, name: str, because: str) -> "Reason":
        """Make the member a string equal to ``name`` that also carries its sentence."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.because = because
        return member

    # sources
    UNREADABLE = "unreadable", "the file can't be read as UTF-8 text"
    TOO_LARGE = "too_large", "the file or function is larger than the limit"
    SYNTAX_ERROR = "syntax_error", "the file does not parse as Python"
    TOO_DEEP = "too_deep", "the source is nested too deeply to work on"
    NOT_A_FUNCTION = "not_a_function", "the row holds no top-level function"
    DECORATED = "decorated", "a decorator changes what it does"
    UNDOCUMENTED = "undocumented", "the function has no docstring"
    RETURNS_NOTHING = "returns_nothing", "no return statement gives a value"
    NOT_STANDALONE = "not_standalone", "it uses names that are neither its own nor builtins"
    IMPORTS = "imports", "it imports a module that is not allowed"
    UNSUPPORTED_PARAMETERS = (
        "unsupported_parameters",
        "a parameter can't be passed by position (keyword-only without default, *args or **kwargs)",
    )
    TODO = "todo", "it is marked as unfinished"
    TRIVIAL = "trivial", "its body is a single return of a small expression"
    NON_ASCII = "non_ascii", "the source holds characters beyond ASCII"
    TYPE_ERROR = "type_error", "the type checker (Pyright) reports an error"
    EXACT_DUPLICATE = "exact_duplicate", "the same text was kept before"
    NEAR_DUPLICATE = "near_duplicate", "a text kept before is too similar"
    UNSTORABLE = "unstorable", "its text holds lone surrogates, which UTF-8 can't store"
    CONTAMINATED = "contaminated", "it overlaps with a benchmark"
    NOT_SAMPLED = "not_sampled", "the run was asked to go on with fewer functions"
    FORBIDDEN_LICENCE = "forbidden_licence", "its licence is not among the accepted ones"

    # suites
    NO_TESTS = "no_tests", "no writer produced a usable test case"
    TOO_FEW_CASES = "too_few_cases", "fewer valid test cases than required are left"
    ONE_EXPECTED_VALUE = "one_expected_value", "all cases expect the same value"
    NONDETERMINISTIC = "nondeterministic", "two runs under different hash seeds differ"
    LOW_COVERAGE = "low_coverage", "the cases cover too little of the function's lines and branches"
    WEAK_SUITE = "weak_suite", "too many mutants of the source pass the suite"
    SOURCE_FAILS = "source_fails", "the source itself raises or is stopped on every case"

    # pose: one problem in one language
    UNREPRESENTABLE = (
        "unrepresentable",
        "the target language can't represent a value, type or name, or two tests contradict each other in it",
    )
    STUB_FAILS_TO_COMPILE = "stub_fails_to_compile", "a typed stub does not compile, so no program could pass"
    STUB_PASSES = "stub_passes", "a stub passes the suite, so the suite proves nothing"

    # generation
    NO_CODE = "no_code", "the reply holds no code"
    TEACHER_REFUSED = "teacher_refused", "the teacher can't or won't do this item"
    TEACHER_FAILED = "teacher_failed", "the teacher gave no usable reply after all retries"
    DUPLICATE_CANDIDATE = "duplicate_candidate", "the same program was generated before for this problem"
    FAILED_VERIFICATION = "failed_verification", "the program fails its suite"
    NOT_VERIFIED = "not_verified", "the machine failed, so there is no verdict"
    NO_PASSING_SOLUTION = "no_passing_solution", "no candidate passed the suite"

    # any step
    INTERNAL_ERROR = (
        "internal_error",
        "a step raised an unexpected error on it, whose traceback is in the log",
    )

    # structured replies
    EMPTY_REPLY = "empty_reply", "the reply says nothing"
    UNPARSABLE_REPLY = "unparsable_reply", "the reply is not in the form that was asked for"
    INCOMPLETE_REPLY = "incomplete_reply", "the reply lacks a part that was asked for, or has it in the wrong form"

    # inverse-instruct
    NOT_A_SNIPPET = "not_a_snippet", "the row or file holds neither code nor a response"
    UNKNOWN_LANGUAGE = "unknown_language", "its language is not told, can't be guessed, or is none of ours"
    UNPARSABLE_CODE = "unparsable_code", "it holds no program: neither a fenced block nor text that parses"
    LANGUAGE_NOT_WANTED = "language_not_wanted", "its language is not among those that were asked for"
    UNTESTED = "untested", "it has no suite, so that nothing about it could be executed"
    CUT_OFF = "cut_off", "the reply reached its length limit, so that its end is missing"
    LEAKS_CODE = "leaks_code", "the instruction holds the program itself"
    DUPLICATE_SUMMARY = "duplicate_summary", "the same instruction was written before for this snippet"
    NO_INSTRUCTION = "no_instruction", "no instruction for it is left, for several reasons"
    NOT_SCORED = "not_scored", "the model's opinion of it says neither Yes nor No"
    NOT_CHOSEN = "not_chosen", "another instruction for the snippet ranks higher"
    FAILED_ROUND_TRIP = "failed_round_trip", "the teacher's answer to the instruction fails the snippet's suite"

    # xcoder
    REPEATS_MEMORY = "repeats_memory", "the discussion came to a problem that its agents had made before"
    UNREAD_EXAMPLE = "unread_example", "an example that it states can't be judged, and was left out"
    CONTRADICTED = "contradicted", "an example that it states is not what its own reference solution gives"
    SAME_BEHAVIOUR = "same_behaviour", "it gives what an earlier problem gives, on all that one's tests"
    NO_AGREEMENT = "no_agreement", "independent solutions in too few languages agree on its tests"
    LOW_SCORE = "low_score", "the rubric's score is below the limit, and nothing of it was executed"
