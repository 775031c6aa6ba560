"""Programs that stand in for an interpreter with another library, and speak the workers' protocol as they please."""

import sys

PROGRAM = """#!{python}
import json, os, signal, sys, time

def say(**answer):
    print(json.dumps(answer), flush=True)

def serve():
    print("a library's chatter", file=sys.stderr)
    say(ready={{"version": "stand-in 1.0", "kinds": ["call", "train"]}})
    for number, question in enumerate(sys.stdin):
        _, name, budget = question.split()
        answer(number, name)

def answer(number, name):
    say(cost=0.5)

{changes}

arguments = sys.argv[1:]
if arguments[0] == "-c":
    print(0.25)
elif len(arguments) == 1:
    print(json.dumps(["onnxruntime", "a library of tomorrow"]))
else:
    with open({pid!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
    serve()
"""

# What a stand-in may do instead of answering: the name says what is told about it.
CHANGES = {
    "ended by SIGKILL: a library's chatter": """
def answer(number, name):
    os.kill(os.getpid(), signal.SIGKILL)
""",
    "ended with code 3: the reason": """
def answer(number, name):
    print("the reason", file=sys.stderr)
    sys.exit(3)
""",
    "ended with code 1: ValueError: no": """
def answer(number, name):
    raise ValueError("no")
""",
    "answered 'Hello!'": """
def answer(number, name):
    print("Hello!", flush=True)
""",
    "answered '[1]'": """
def answer(number, name):
    print("[1]", flush=True)
""",
    "answered {'weight': 3}": """
def answer(number, name):
    say(weight=3)
""",
    "MemoryError: too large": """
def answer(number, name):
    say(error="MemoryError: too large")
""",
    "gave no answer for 0.5 s": """
def answer(number, name):
    time.sleep(60)
""",
}


def write(folder, changes=""):
    """Write a stand-in for an interpreter; its workers note their process numbers in the file ``pids``."""
    path = folder / "python"
    path.write_text(PROGRAM.format(python=sys.executable, changes=changes, pid=str(folder / "pids")))
    path.chmod(0o755)
    return str(path)
