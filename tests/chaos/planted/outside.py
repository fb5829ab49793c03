"""The planted bugs of what comes from outside: errors and answers of the model and of the tools."""

from tests.chaos.planted.bug import PlantedBug

TOLD = (
    "tests/toolrunner/test_tool_faults.py::"
    "test_a_fault_is_told_as_what_it_is_and_the_next_call_is_answered"
)
OUTSIDE = (
    PlantedBug(
        name="a spent month is taken for a passing limit",
        file="services/reasoner/adapters/refusals.py",
        old="spent = _code(error) == SPENT",
        new="spent = False",
        test="tests/reasoner/test_scripted_model.py::"
        "test_a_month_whose_money_is_spent_ends_it_at_once_and_says_so",
    ),
    PlantedBug(
        name="a blank text goes back to the model",
        file="services/reasoner/transcript.py",
        old="for block in self.content if not _empty(block)]",
        new="for block in self.content]",
        test="tests/reasoner/test_scripted_model.py::"
        "test_a_reply_that_may_not_be_sent_back_as_it_is_or_may_not_be_changed_is_taken_back[blank]",
    ),
    PlantedBug(
        name="a log that comes in drops is waited for",
        file="services/toolrunner/servers/long_log.py",
        old="        if time.monotonic() > until:\n            raise",
        new="        if time.monotonic() > until + 600:\n            raise",
        test=f"{TOLD}[kubernetes slow_log logs]",
    ),
    PlantedBug(
        name="expired credentials are said to be a missing permission",
        file="services/toolrunner/servers/aws_api.py",
        old="    if code in BAD_CREDENTIALS:",
        new="    if code in ():",
        test=f"{TOLD}[aws expired_token points]",
    ),
    PlantedBug(
        name="half an answer of AWS is taken for a whole one",
        file="services/toolrunner/servers/aws_api.py",
        old="    except KeyError as error:",
        new="    except ZeroDivisionError as error:",
        test=f"{TOLD}[aws cut logs]",
    ),
)
