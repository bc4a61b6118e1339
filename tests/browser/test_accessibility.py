"""The course without a mouse and without eyes: axe-core on our pages, every widget by the keyboard, zoom, print.

One browser serves all tests here; all widgets stand in one notebook, which is run once.
"""

import importlib
import json
import pkgutil
import shutil
import urllib.request

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError

import visionlab.widgets
from autograder import batch, pages, pool
from autograder.course import Course
from autograder.gradebook import scores
from autograder.grading import Settings
from autograder.package import Package
from tests.autograder.test_grading import RIGHT
from tests.browser import test_beyond_widgets as beyond
from tests.browser import test_computation_graph as graphs
from tests.browser import test_neighbours as neighbours
from tests.browser import test_polynomial as curves
from tests.browser import test_size_switches as switches
from tests.browser import test_training_widgets as training
from tests.browser import test_transfer_widgets as transfer
from tests.browser import test_understanding_widgets as understanding
from tests.browser.conftest import browse
from tests.small_course import answer, submit
from visionlab.widgets.explorer import Explorer
from visionlab.widgets.quiz import Illustrated

pytestmark = pytest.mark.xdist_group("browser")
THEMES = ("light", "dark")


def shown(module, call):
    return f"from visionlab.widgets.{module} import *\n{call}"


WIDGETS = {
    "ArchitectureBuilder": shown("architecture_builder", "ArchitectureBuilder()"),
    "AugmentationExplorer": shown("augmentation", "AugmentationExplorer()"),
    "BoxOverlap": beyond.BOXES,
    "ClassMaximiser": understanding.CLIMB,
    "ConvolutionExplorer": shown("convolution_explorer", "ConvolutionExplorer()"),
    "DepthExplorer": graphs.DEPTH,
    "DescentExplorer": shown("descent", "DescentExplorer()"),
    "DetectionExplorer": beyond.DETECTIONS,
    "DifferenceExplorer": "import numpy as np\n" + shown("schedules", "DifferenceExplorer(np.exp, 1.0, at=0.0)"),
    "EmbeddingExplorer": beyond.EMBEDDING,
    "FoolingSlider": understanding.FOOLING,
    "GraphExplorer": shown("computation_graph", "GraphExplorer('(x + y) * z')"),
    "HingeExplorer": curves.HINGES,
    "KernelPlayground": shown("kernel_playground", "KernelPlayground('blur')"),
    "LayerSizes": shown("layer_sizes", "LayerSizes()"),
    "LinearPlayground": shown("linear_playground", "LinearPlayground()"),
    "LossSliders": shown("loss_sliders", "LossSliders()"),
    "NeighboursExplorer": neighbours.EXPLORER,
    "NetworkPlayground": shown("network_playground", "NetworkPlayground()"),
    "OcclusionExplorer": understanding.OCCLUSION,
    "PhotoClassifier": transfer.PHOTO,
    "PolynomialExplorer": curves.POLYNOMIAL,
    "Practice": shown("quiz", "Practice('output size')"),
    "ReceptiveFieldExplorer": shown("receptive_field_explorer", "ReceptiveFieldExplorer()"),
    "ScheduleExplorer": shown("schedules", "ScheduleExplorer()"),
    "SegmentationCanvas": beyond.CANVAS,
    "ShiftExplorer": shown("shift_explorer", "ShiftExplorer(shift=3)"),
    "SizeSwitches": switches.SWITCHES,
    "TrainingDashboard": training.TRAIN,
    "TransferExplorer": transfer.TRANSFER,
    "TripletSlider": shown("loss_sliders", "TripletSlider(positive=93, negative=106, margin=20)"),
}

QUICK = """
import functools
import anywidget
from visionlab import nets
from visionlab.widgets.explorer import Explorer
nets.pretrained = functools.cache(nets.pretrained)
Explorer._repr_mimebundle_ = anywidget.AnyWidget._repr_mimebundle_  # without static pictures, half a second each
"""

HAS_RUN = """() => {
    const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
    return prompts.every((el) => /\\[\\d+\\]/.test(el.textContent));
}"""

# Of a group of radio buttons only the chosen one takes the focus.
CONTROLS = """(root) => {
    const takesFocus = (el) =>
        el.tabIndex >= 0 && !el.disabled && el.checkVisibility({ visibilityProperty: true }) &&
        (el.type !== "radio" || el.checked);
    const all = "button, input, select, textarea, a[href], summary, [tabindex]";
    window.root = root;
    window.controls = () => [...root.querySelectorAll(all)].filter(takesFocus);
    const start = Object.assign(document.createElement("span"), { tabIndex: 0, id: "start" });
    root.before(start);
    start.focus();
    return window.controls().length;
}"""

# A native control has reacted when its own event comes. The widget doesn't hear of it, so that its controls stay.
LISTEN = """() => {
    window.heard = new Set();
    window.ears = (event) => {
        if (!window.root.contains(event.target)) return;
        window.heard.add(event.target.closest("button, input, select, textarea, a, summary"));
        event.stopImmediatePropagation();
        event.preventDefault();
    };
    window.kinds = ["click", "beforeinput", "input", "change"];
    for (const kind of window.kinds) window.addEventListener(kind, window.ears, true);
}"""
DEAF = "() => window.kinds.forEach((kind) => window.removeEventListener(kind, window.ears, true))"

AT = """() => {
    const el = document.activeElement;
    if (!window.root.contains(el)) return null;
    const native = el.matches("button, input, select, textarea, a, summary");
    return {
        index: window.controls().indexOf(el),
        kind: native ? (el.tagName === "INPUT" ? el.type : el.tagName.toLowerCase()) : `own ${el.getAttribute("role")}`,
        html: el.outerHTML.slice(0, 160),
        fixed: Boolean(el.readOnly || (el.tagName === "SELECT" && el.options.length < 2)),
        named: native || Boolean(el.ariaLabel || el.getAttribute("aria-labelledby")),
    };
}"""

# axe-core takes a quarter of a minute for a whole lecture; a few parts of each kind look like all the others.
THIN = """() => {
    const kinds = {};
    for (const el of document.querySelectorAll("article > *, .text > *")) {
        const kind = `${el.tagName} ${el.className} ${el.getAttribute("style")}`;
        kinds[kind] = (kinds[kind] ?? 0) + 1;
        if (kinds[kind] > 2 && !el.matches(".text")) el.remove();
    }
}"""

PICTURE = """() => window.root.innerHTML + [...window.root.querySelectorAll("canvas")].map((el) => el.toDataURL())"""

KEYS = {
    "range": ("ArrowRight", "ArrowLeft"),
    "number": ("1",),
    "text": ("1",),
    "select": ("ArrowDown", "ArrowUp"),
    "radio": ("ArrowRight",),
    "own button": ("Enter",),
    "own group": ("ArrowRight", "ArrowLeft", "ArrowDown", "Enter", "Space"),
}


def findings(page, context=None):
    """What axe-core calls serious or critical."""
    found = Axe().run(page, context=context, options={"resultTypes": ["violations"]}).response["violations"]
    assert "passes" not in found
    return [
        f"{rule['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.fixture(scope="module")
def browser_page():
    """A browser of these tests' own."""
    with browse() as page:
        yield page


def visit(page, path, theme="light"):
    page.emulate_media(color_scheme=theme, media="screen")
    page.set_viewport_size({"width": 1400, "height": 1000})
    page.goto(path.as_uri())


def test_axe_finds_what_is_wrong(browser_page, tmp_path):
    bad = '<h1>Bad</h1><input><img src="a.png"><p style="color: #ccc">pale</p>'
    (tmp_path / "bad.html").write_text(f'<html lang="en"><title>Bad</title><main>{bad}</main>')
    visit(browser_page, tmp_path / "bad.html")
    assert [one.partition(":")[0] for one in findings(browser_page)] == ["color-contrast", "image-alt", "label"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    "name",
    ["index", "lectures/08_architectures", "assignments/hw2_backpropagation/hw2a_autograd"],
)
def test_pages_of_the_site(browser_page, built_site, name, theme):
    visit(browser_page, built_site[0] / f"{name}.html", theme)
    browser_page.evaluate("() => document.querySelectorAll('details').forEach((el) => (el.open = true))")
    browser_page.evaluate(THIN)
    # What KaTeX draws is hidden from screen readers, which get its MathML, and large.
    assert findings(browser_page, {"exclude": [[".katex-html"]]}) == []


def test_search_by_keyboard(browser_page, built_site):
    asked = []
    browser_page.on("request", lambda request: asked.append(request.url))
    visit(browser_page, built_site[0] / "lectures/00_start_here.html")
    browser_page.keyboard.press("/")
    browser_page.keyboard.type("momentm")  # a slip of the finger
    hits = browser_page.locator("#hits a")
    hits.first.wait_for()
    browser_page.keyboard.press("Control+A")
    browser_page.keyboard.type("toeplitz")
    browser_page.locator("#counted", has_text="places").wait_for()
    browser_page.wait_for_function("() => document.querySelector('#hits mark')?.textContent === 'Toeplitz'")
    assert findings(browser_page, {"include": [[".search"]]}) == []
    browser_page.keyboard.press("Escape")
    assert browser_page.locator("#found").is_hidden()
    browser_page.keyboard.press("Backspace")
    hits.first.wait_for()
    browser_page.keyboard.press("ArrowDown")
    target = browser_page.evaluate("document.activeElement.href")
    assert "06_convolution.html#" in target
    browser_page.keyboard.press("Enter")
    browser_page.wait_for_url(target)
    assert all(url.startswith("file:") for url in asked)


def test_the_theme_is_kept_and_figures_stay_on_white(browser_page, built_site):
    visit(browser_page, built_site[0] / "lectures/06_convolution.html")
    browser_page.locator("#theme").press("Enter")
    assert browser_page.locator("#theme").get_attribute("aria-pressed") == "true"
    browser_page.reload()
    paper, ink, picture = browser_page.evaluate(
        """() => {
            const style = (el) => getComputedStyle(document.querySelector(el));
            return [style("body").backgroundColor, style("body").color, style("figure img").backgroundColor];
        }"""
    )
    assert (paper, ink, picture) == ("rgb(21, 24, 29)", "rgb(228, 231, 235)", "rgb(255, 255, 255)")
    browser_page.locator("#theme").press("Enter")
    assert browser_page.evaluate("document.documentElement.dataset.theme") == "light"


@pytest.mark.parametrize("width", [700, 320])
def test_zoomed_in_nothing_runs_off_the_page(browser_page, built_site, width):
    """A window of 1400 pixels at 200 %, and one of 1280 at 400 %."""
    for name in ("index", "lectures/06_convolution", "lectures/08_architectures"):
        visit(browser_page, built_site[0] / f"{name}.html")
        browser_page.set_viewport_size({"width": width, "height": 500})
        assert browser_page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert browser_page.locator("#contents").is_hidden()
        browser_page.locator("#menu").press("Enter")
        assert browser_page.locator("#contents a").first.is_visible()


def test_print_clips_nothing_and_unfolds_the_answers(browser_page, built_site, tmp_path):
    visit(browser_page, built_site[0] / "lectures/06_convolution.html", "dark")
    browser_page.emulate_media(media="print")
    browser_page.set_viewport_size({"width": 680, "height": 1000})  # the text of a sheet of A4
    clipped = browser_page.evaluate(
        """() => {
            const isClipped = (el) => {
                const isFull = el.scrollWidth > el.clientWidth + 1; // a page on paper does not scroll
                return el.checkVisibility() && (isFull || el.getBoundingClientRect().right > innerWidth + 1);
            };
            const parts = document.querySelectorAll("article :is(pre, figure, img, table, .katex-display, p)");
            return [...parts].filter(isClipped).map((el) => el.outerHTML.slice(0, 200));
        }"""
    )
    assert clipped == []
    assert browser_page.locator(".bar").is_hidden() and browser_page.locator("#contents").is_hidden()
    answers = browser_page.locator(".text details > :not(summary)")
    assert answers.count() >= 3
    for answer_ in answers.all():
        assert answer_.is_visible()
    assert browser_page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    pdf = browser_page.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF") and 10 < pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") < 60


@pytest.fixture(scope="module")
def graders_pages(released_small_course, kernel_server, tmp_path_factory):
    """Feedback for answers that are right, wrong by a known mistake, and fatal; and the report on all three."""
    root = tmp_path_factory.mktemp("graded") / "course"
    shutil.copytree(released_small_course, root)
    course = Course(root)
    released = course.path("release", ".", "small") / "small.ipynb"
    mistake = "def scale_rows(x, factors):\n    return x * np.resize(factors, x.shape[1])"
    for student, wrong in (("ann", {}), ("bob", {"scale_rows": mistake}), ("cyd", {"half": "import os; os._exit(3)"})):
        submit(root, student, answer(released, RIGHT | wrong, free_text="Because."))
    package = Package.of(course, "small")
    results = batch.grade_batch(
        course,
        package,
        batch.submitters(course, "small"),
        lambda work: pool.grade_here(work, package, Settings(seed=1), kernel_server),
    )
    records = [record for record, _ in results]
    given = scores(course, "small")
    paths = [path for record in records for path in pages.write_feedback(course, record, given[record.student])]
    return [*paths, pages.write_report(course, "small", records)]


@pytest.mark.parametrize("theme", THEMES)
def test_feedback_and_report(browser_page, graders_pages, theme):
    assert len(graders_pages) == 4
    for path in graders_pages:
        visit(browser_page, path, theme)
        browser_page.evaluate("() => document.querySelectorAll('details').forEach((el) => (el.open = true))")
        assert findings(browser_page) == [], path.name
        browser_page.set_viewport_size({"width": 640, "height": 500})
        assert browser_page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path.name


@pytest.fixture(scope="module")
def widgets(lab, browser_page):
    """All widgets in one notebook of a JupyterLab, run; returns a function that gives a widget's output area."""
    cells = [nbformat.v4.new_code_cell(QUICK, id="quick")]
    cells += [nbformat.v4.new_code_cell(source.strip(), id=name) for name, source in WIDGETS.items()]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    body = json.dumps({"type": "notebook", "format": "json", "content": content}).encode()
    put = urllib.request.Request(f"{lab}/api/contents/widgets.ipynb", data=body, method="PUT")
    urllib.request.urlopen(put).close()

    browser_page.emulate_media(color_scheme="light", media="screen")
    browser_page.set_viewport_size({"width": 1400, "height": 1000})
    browser_page.goto(f"{lab}/lab?reset")
    browser_page.locator(".jp-Launcher").first.wait_for()
    command = "([name, options]) => window.jupyterapp.commands.execute(name, options)"
    browser_page.evaluate(command, ["docmanager:open", {"path": "widgets.ipynb"}])
    browser_page.get_by_text("| Idle").first.wait_for()
    browser_page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
    browser_page.wait_for_function(HAS_RUN, timeout=180_000)
    outputs = browser_page.locator(".jp-CodeCell > .jp-Cell-outputWrapper .jp-OutputArea-output")
    outputs.nth(len(WIDGETS) - 1).wait_for()

    def find(name):
        return outputs.nth(list(WIDGETS).index(name))

    yield find
    with urllib.request.urlopen(f"{lab}/api/sessions") as sessions:
        for session in json.load(sessions):
            urllib.request.urlopen(urllib.request.Request(f"{lab}/api/sessions/{session['id']}", method="DELETE"))


def test_all_widgets_are_here():
    made = set()
    for module in pkgutil.iter_modules(visionlab.widgets.__path__):
        for name, value in vars(importlib.import_module(f"visionlab.widgets.{module.name}")).items():
            if isinstance(value, type) and issubclass(value, Explorer | Illustrated) and not name.startswith("_"):
                made.add(name)
    assert made - {"Explorer", "Illustrated"} == set(WIDGETS)


@pytest.mark.parametrize("theme", THEMES)
def test_axe_on_all_widgets(browser_page, widgets, theme):
    command = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
    browser_page.evaluate(command, f"JupyterLab {theme.capitalize()}")
    browser_page.locator(f"body[data-jp-theme-light={str(theme == 'light').lower()}]").wait_for(state="attached")
    browser_page.wait_for_timeout(500)  # the widgets draw themselves anew
    assert findings(browser_page, {"include": [[".jp-OutputArea-output"]]}) == []


@pytest.mark.parametrize("name", WIDGETS)
def test_keyboard(browser_page, widgets, name):
    """The Tab key reaches every control in the order of the page, and each one answers to its keys."""
    page, output = browser_page, widgets(name)
    output.scroll_into_view_if_needed()
    count = output.evaluate(CONTROLS)
    assert count > 0
    page.keyboard.press("Tab")
    for index in range(count):
        at = page.evaluate(AT)
        assert at and at["index"] == index, at
        assert at["named"], at["html"]
        if not at["fixed"]:
            assert reacts(page, at["kind"]), at["html"]
        page.keyboard.press("Tab")
    assert page.evaluate(AT) is None, "the focus leaves the widget"
    page.evaluate("document.getElementById('start').remove()")


def reacts(page, kind):
    """Whether the control that has the focus answers to one of its keys."""
    if kind.startswith("own"):
        before = page.evaluate(PICTURE)
        for key in KEYS[kind]:
            page.keyboard.press(key)
            try:
                page.wait_for_function(f"(old) => ({PICTURE})() !== old", arg=before, timeout=700)
            except TimeoutError:
                continue
            return True
        return False
    page.evaluate(LISTEN)
    for key in KEYS.get(kind, ("Space",)):
        page.keyboard.press(key)
    heard = page.evaluate("() => window.heard.has(document.activeElement)")
    page.evaluate(DEAF)
    return heard
