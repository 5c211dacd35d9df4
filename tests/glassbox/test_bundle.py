from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from handgrad.errors import PageError
from handgrad.glassbox.bundle import bundle


@pytest.fixture
def folder(tmp_path):
    """A function that writes modules by their names, and returns their folder."""

    def write(**modules):
        for name, text in modules.items():
            path = tmp_path / f"{name.replace('__', '/')}.js"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def said_by(script):
    """Run a script in node and return what it printed as JSON."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: it runs the script")
    run = subprocess.run(
        [node, "--input-type=commonjs"], input=script, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_modules_run_once_in_the_order_of_dependency(folder):
    page = folder(
        main='import { b } from "./b.js";\nimport { a } from "./a.js";\nconsole.log(a + b);',
        b='import { a } from "./a.js";\nconsole.log(2);\nexport const b = 10 * a;',
        a="console.log(1);\nexport const a = 1;",
    )
    assert said_by(bundle(page, "main.js")) == [1, 2, 11]


def test_names_of_one_module_do_not_meet_those_of_another(folder):
    page = folder(
        main='import { value as its } from "./deep__er.js";\nconst value = 1;\n'
        "console.log([its(), value]);".replace("deep__er", "deep/er"),
        deep__er='import {\n    two, // of it\n} from "../two.js";\n'
        "const hidden = two;\nexport function value() {\n    return hidden;\n}",
        two="const hidden = 1;\nexport const two = hidden + 1;",
    )
    assert said_by(bundle(page, "main.js")) == [[2, 1]]


def test_every_form_of_export_comes_through(folder):
    page = folder(
        main='import { a, b, c, D, e } from "./all.js";\n'
        "b().then((value) => console.log([a(), value, [...c()], new D().d, e]));",
        all="export function a() {\n    return 1;\n}\n"
        "export async function b() {\n    return await 2;\n}\n"
        "export function* c() {\n    yield 3;\n}\n"
        "export class D {\n    d = 4;\n}\n"
        "export const e = 5;",
    )
    assert said_by(bundle(page, "main.js")) == [[1, 2, [3], 4, 5]]


def test_a_function_may_be_used_before_it_stands(folder):
    page = folder(main="console.log(later());\nexport function later() {\n    return 1;\n}")
    assert said_by(bundle(page, "main.js")) == [1]


def test_comments_stay_where_a_learner_reads_and_nothing_else_goes(folder):
    page = folder(
        main='import { a } from "./math/a.js";\n// gone\n/** gone,\n * too */\n'
        'const text = "/* stays */ // stays";\nconsole.log(JSON.stringify(text + a));',
        math__a="// the formula\nexport const a = 1;",
    )
    script = bundle(page, "main.js")
    assert "the formula" in script
    assert "gone" not in script
    assert said_by(script) == ["/* stays */ // stays1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('import a from "./a.js";', "an import that is not"),
        ('import * as a from "./a.js";', "an import that is not"),
        ('import "./a.js";', "an import that is not"),
        ('import { a } from "a";', "an import that is not"),
        ('import { a } from "../a.js";', "outside the page"),
        ('import { a-b } from "./a.js";', "an import of 'a-b'"),
        ('import { b } from "./a.js";', r"an import of b, which a\.js does not export"),
        ("export default 1;", "an export that is not"),
        ("const a = 1;\nexport { a };", "an export that is not"),
        ("export let a = 1;", "an export that is not"),
        ("export const { a } = window;", "an export that is not"),
        ('import("./a.js");', "an import that is not|a dynamic import"),
        ('const a = () => import("./a.js");', "a dynamic import"),
        ("console.log(import.meta.url);", "import.meta"),
        ("const a = await fetch('x');", "an await outside"),
        ('const a = "</script>";', "script tag"),
        ('const a = "<!--";', "HTML comment"),
        ('import { x } from "./missing.js";', r"missing\.js cannot be read"),
        ('import { x } from "./main.js";', r"in a circle: main\.js → main\.js"),
    ],
)
def test_what_the_bundler_does_not_know_is_refused(folder, text, message):
    page = folder(main=text, a="export const a = 1;")
    with pytest.raises(PageError, match=message):
        bundle(page, "main.js")


def test_what_stands_in_a_comment_is_not_refused(folder):
    page = folder(
        main='/** @param {import("./a.js").A} a */\n// await nothing\nconsole.log(1);',
    )
    assert said_by(bundle(page, "main.js")) == [1]
