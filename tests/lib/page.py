"""Opens a page in headless Chromium by chromedriver and says what is wrong with it, a line each.

    page.py FILE

Looks, at widths of 360 to 1920 pixels and in both schemes of colour: does anything scroll sideways, are tables cut off, was anything written to
the console, did a script run, was anything fetched.
"""
import json, os, re, subprocess, sys, tempfile, time, urllib.request

# What of a page's tables reads ill: short names in pieces, figures outside of the window with nothing to say so.
LAYOUT = """
    const wrong = [];
    for (const name of document.querySelectorAll('td.name bdi'))
        if (name.offsetParent && name.textContent.length <= 24 && new Set(Array.from(name.getClientRects(), r => r.top)).size > 1)
            wrong.push('a short name is broken: ' + name.textContent);
    for (const wide of document.querySelectorAll('.wide')) {
        if (wide.scrollWidth <= wide.clientWidth)
            continue;
        if (innerWidth < 640)
            wrong.push(wide.getAttribute('aria-label') + ' is wider than the window');
        if (!getComputedStyle(wide).backgroundImage.includes('gradient'))
            wrong.push(wide.getAttribute('aria-label') + ' scrolls, and does not say so');
    }
    return wrong;
"""

def call(base, method, path, body=None):
    request = urllib.request.Request(base + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["value"]

def session(base, profile, scheme):
    args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + profile,
            "--host-resolver-rules=MAP * ~NOTFOUND"]
    if scheme == "dark":
        args.append("--blink-settings=preferredColorScheme=0")
    return call(base, "POST", "/session", {"capabilities": {"alwaysMatch": {
        "browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"}, "goog:chromeOptions": {"args": args}}}})["sessionId"]

def look(base, page, scheme):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        at = "/session/" + session(base, profile, scheme)
        run = lambda script: call(base, "POST", at + "/execute/sync", {"script": script, "args": []})
        try:
            for width in (360, 768, 1280, 1920):
                call(base, "POST", at + "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
                    "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}})
                call(base, "POST", at + "/url", {"url": "file://" + page})
                wide, seen = run("return [document.documentElement.scrollWidth, innerWidth]")
                if seen != width:
                    print(f"{scheme} {width}: the window is {seen} wide")
                if wide > seen:
                    print(f"{scheme} {width}: the page is {wide} wide")
                for wrong in run(LAYOUT):
                    print(f"{scheme} {width}: {wrong}")
            # Each figure can be opened.
            run("document.querySelectorAll('details').forEach(d => d.open = true)")
            if run("return document.documentElement.scrollWidth > innerWidth"):
                print(f"{scheme}: too wide when figures are open")
            if run("return document.scripts.length + document.querySelectorAll('[onclick],[onload],[onerror],link,img,iframe').length"):
                print(f"{scheme}: there is what could run or be fetched")
            if run("return performance.getEntriesByType('resource').length"):
                print(f"{scheme}: something was fetched")
            dark = run("return getComputedStyle(document.body).backgroundColor")
            if (sum(int(n) for n in re.findall(r"\d+", dark)[:3]) < 200) != (scheme == "dark"):
                print(f"{scheme}: the page's ground is {dark}")
            for entry in call(base, "POST", at + "/se/log", {"type": "browser"}):
                print(f"{scheme}: console: {entry['message']}")
        finally:
            call(base, "DELETE", at)

def main():
    page = os.path.realpath(sys.argv[1])
    driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = None
        for line in driver.stdout:
            found = re.search(r"on port (\d+)", line)
            if found and found[1] != "0":
                port = found[1]
                break
        if not port:
            sys.exit("chromedriver did not start")
        for scheme in ("light", "dark"):
            look("http://127.0.0.1:" + port, page, scheme)
        print("looked")
    finally:
        driver.terminate()
        driver.wait(20)

main()
