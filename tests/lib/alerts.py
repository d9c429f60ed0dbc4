"""What can be said of alert rules and of a dashboard without Prometheus and Grafana: a line for each thing that is wrong.

    alerts.py rules FILE                  the rules: their form, and their expressions' words and brackets
    alerts.py dashboard FILE [RULES]      the dashboard: each panel's source, unit and place; its queries, word by word.
                                          They are written to RULES as recording rules, which promtool can read.
    alerts.py metrics FILE                metrics, by the parser of Prometheus' own client for Python
"""
import json, re, sys

WORDS = {"time", "sum", "increase", "absent", "by", "without", "and", "or", "unless", "on", "ignoring", "group_left"}
LABELS = {"table", "leaf", "workspace", "version", "tier", "part", "state", "instance", "job"}
TOKEN = re.compile(r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<span>\[\d+[smhdw]\])|(?P<number>\d+(?:\.\d+)?)|(?P<word>[a-z_]+)'
                   r"|(?P<sign>=~|!~|!=|==|>=|<=|[-+*/<>=(){},]))")
OPEN = {"(": ")", "{": "}"}

def expression(where, text):
    """Complains of what is no PromQL as far as words and brackets tell."""
    at, closing, text = 0, [], text.strip()
    while at < len(text):
        token = TOKEN.match(text, at)
        if not token:
            print(f"{where}: not understood: {text[at:at + 20]}")
            return
        at = token.end()
        word, sign = token["word"], token["sign"]
        if word and not (word in LABELS if "}" in closing else word in WORDS | LABELS or word.startswith("firn_")):
            print(f"{where}: {word} is neither a metric of firn's nor known")
        if sign in OPEN:
            closing.append(OPEN[sign])
        elif sign in OPEN.values() and (not closing or closing.pop() != sign):
            print(f"{where}: {sign} closes nothing")
    if closing:
        print(f"{where}: {closing[-1]} is missing")

def rules(path):
    import yaml
    seen = set()
    for group in yaml.safe_load(open(path))["groups"]:
        for rule in group["rules"]:
            name = rule["alert"]
            if name in seen:
                print(f"{name}: is there twice")
            seen.add(name)
            expression(name, rule["expr"])
            if not re.fullmatch(r"\d+[smhd]", rule.get("for", "0s")):
                print(f"{name}: for: {rule['for']}")
            if rule["labels"].get("severity") not in ("warning", "critical"):
                print(f"{name}: severity: {rule['labels']}")
            if set(rule) - {"alert", "expr", "for", "labels", "annotations"}:
                print(f"{name}: keys: {sorted(rule)}")
            for key in ("summary", "description"):
                if re.sub(r"{{ \$value( \| humanizeDuration)? }}", "", rule["annotations"][key]).count("{{"):
                    print(f"{name}: {key}: {rule['annotations'][key]}")

def dashboard(path, out=None):
    page = json.load(open(path))
    sources = [v["name"] for v in page["templating"]["list"] if v["type"] == "datasource" and v["query"] == "prometheus"]
    if sources != ["datasource"]:
        print(f"its source can't be chosen: {sources}")
    queries, ids, taken = [], set(), {}
    def source(where, of):
        if of.get("datasource") != {"type": "prometheus", "uid": "${datasource}"}:
            print(f"{where}: its source is {of.get('datasource')}")
    for variable in page["templating"]["list"]:
        if variable["type"] == "query":
            source(variable["name"], variable)
    for panel in page["panels"]:
        name = f"{panel['id']} {panel['title']}"
        if panel["id"] in ids:
            print(f"{name}: its number is another's")
        ids.add(panel["id"])
        source(name, panel)
        if not panel["fieldConfig"]["defaults"].get("unit"):
            print(f"{name}: has no unit")
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if x >= 24 or taken.setdefault((x, y), name) != name:
                    print(f"{name}: lies over {taken.get((x, y), 'the edge')}")
                    break
        for target in panel["targets"]:
            source(name, target)
            expression(name, target["expr"])
            queries.append(target["expr"].replace("$table", ".*"))
    if not queries:
        print("it asks for nothing")
    if out:
        json.dump({"groups": [{"name": "dashboard", "rules": [
            {"record": f"query:{n}", "expr": query} for n, query in enumerate(queries)]}]}, open(out, "w"))

def metrics(path):
    from prometheus_client.parser import text_string_to_metric_families
    names = set()
    for family in text_string_to_metric_families(open(path).read()):
        if family.name in names:
            print(f"{family.name}: is there twice")
        names.add(family.name)
        if not family.documentation or family.type not in ("gauge", "counter"):
            print(f"{family.name}: {family.type}: {family.documentation}")
        if not family.samples:
            print(f"{family.name}: has no sample")
        if len({tuple(sorted(s.labels.items())) for s in family.samples}) < len(family.samples):
            print(f"{family.name}: two samples have the same labels")
    if len(names) < 10:
        print(f"there are only {sorted(names)}")

{"rules": rules, "dashboard": dashboard, "metrics": metrics}[sys.argv[1]](*sys.argv[2:])
