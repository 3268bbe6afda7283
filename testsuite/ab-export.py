"""Checks what `aiopt ab` exports against its JSON: ab-export.py csv|markdown|html FILE JSON.
SPDX-License-Identifier: GPL-3.0-or-later"""
import csv, html.parser, json, math, re, sys

VOID = {'meta', 'br'}
KEYS = {'task clock': 'task_seconds', 'wall clock': 'wall_seconds', 'user cycles': 'user_cycles',
        'user instructions': 'user_instructions', 'user branches': 'user_branches',
        'branch misses': 'user_branch_misses', 'cache misses': 'user_cache_misses'}
FACTOR = {'s': 1, 'ms': 1e-3, 'us': 1e-6, 'k': 1e3, 'M': 1e6, 'G': 1e9, '': 1}


def same(text, value, what):
    """TEXT shows VALUE, to the digits that it has."""
    number, unit = re.fullmatch(r'([0-9.]+) ?([a-zA-Z]*)', text).groups()
    digits = len(number.partition('.')[2])
    got = float(number)
    assert abs(got - value / FACTOR[unit]) <= 0.51 * 10 ** -digits, (what, text, value)


def ratio(text, value, what):
    if text in ('inf', '?'):
        assert value is None, (what, text, value)
    else:
        same(text, value, what)


def probability(text, value, what):
    if text.startswith('<'):
        assert value < float(text[1:]), (what, text, value)
    else:
        assert math.isclose(float(text), value, rel_tol=0.051, abs_tol=0.0051), (what, text, value)


def check_row(cells, j):
    """CELLS: name, A, B, ratio, interval, p, noise, rung."""
    name = cells[0].replace('\\', '')
    decides = 'decides' in name
    name = name.replace('(decides)', '').replace('decides', '').strip()
    key = KEYS.get(name, name)
    m = j['metrics'][key]
    assert decides == (key == j['metric']), name
    same(cells[1], m['median_a'], name)
    same(cells[2], m['median_b'], name)
    ratio(cells[3], m['ratio'], name)
    low, high = cells[4].split(' to ')
    ratio(low, m['ratio_low'], name)
    ratio(high, m['ratio_high'], name)
    probability(cells[5], m.get('p_holm', m['p']), name)
    assert math.isclose(float(cells[6].rstrip(' %')), 100 * m['noise'], rel_tol=0.06, abs_tol=1e-9), (name, cells)
    rung = m['rung'] if m['counted_share'] == 1 else '%s, %.0f %% of the time' % (m['rung'], 100 * m['counted_share'])
    assert cells[7] == rung and m['rung'] != 'none', (name, cells[7], rung)
    return key


def check_csv(text, j):
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 2 * j['pairs'], len(rows)
    keys = [k for k in rows[0] if k.endswith(('_seconds', '_count')) and k != 'begin_seconds']
    assert sorted(k.removesuffix('_count') for k in keys) == sorted(j['metrics']), keys
    for i, row in enumerate(rows):
        pair, order = i // 2, i % 2
        side = j['order'][pair][order]
        assert None not in row and None not in row.values(), row
        assert (int(row['run']), int(row['pair']), row['side']) == (i + 1, pair + 1, side), row
        assert int(row['order']) == order + 1 and int(row['layout']) == j['layout'][pair] + 1, row
        assert int(row['environment_bytes']) == j['environment_' + side.lower()][pair], row
        assert abs(float(row['begin_seconds']) - j['begin_' + side.lower()][pair]) < 1e-6, row
        for k in keys:
            value = j['metrics'][k.removesuffix('_count')][side.lower()][pair]
            assert abs(float(row[k]) - value) <= 1e-9 + 1e-12 * value, (k, row[k], value)


def check_markdown(text, j):
    assert text.startswith('**' + j['sentence'] + '**\n'), text[:200]
    rows = [re.split(r' *(?<!\\)\| *', line)[1:-1] for line in text.splitlines() if line.startswith('|')]
    assert all(len(r) == 8 for r in rows), rows
    assert [check_row(r, j) for r in rows[2:]] == list(j['metrics'])


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.elements, self.text, self.rows = [], [], {}, []

    def handle_starttag(self, tag, attributes):
        assert len(dict(attributes)) == len(attributes), attributes
        self.elements.append((tag, dict(attributes), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == 'tr':
            self.rows.append([])
        if tag in ('td', 'th'):
            self.rows[-1].append('')

    def handle_startendtag(self, tag, attributes):
        assert 'svg' in self.open, tag
        self.elements.append((tag, dict(attributes), tuple(self.open)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open, self.getpos())
        self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], '') + data
        if 'td' in self.open or 'th' in self.open:
            self.rows[-1][-1] += data


def check_html(text, j):
    page = Page()
    page.feed(text)
    page.close()
    assert not page.open, page.open
    tags = [tag for tag, _, _ in page.elements]
    # Nothing runs, nothing is loaded.
    assert not {'script', 'link', 'img', 'image', 'iframe', 'object', 'embed', 'use', 'a', 'base', 'form'} & set(tags)
    for tag, attributes, _ in page.elements:
        assert not [k for k in attributes if k in ('src', 'href', 'xlink:href', 'srcset', 'style') or k.startswith('on')]
        assert not re.search(r'https?:|//|url\(|javascript:', ' '.join(v or '' for v in attributes.values())), attributes
    assert not re.search(r'https?://|@import|url\(|@font-face', page.text['style'])
    policy = [a['content'] for t, a, _ in page.elements if a.get('http-equiv') == 'Content-Security-Policy']
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"], policy
    assert [a for _, a, _ in page.elements if a.get('name') == 'viewport']
    assert page.text['h1'].replace('\xa0', ' ') == j['sentence'], page.text['h1']
    for word in j['a'] + j['b']:
        assert word.replace("'", "'\\''") in page.text['code'], word
    assert [check_row(r, j) for r in page.rows[1:]] == list(j['metrics'])
    # Every picture says what it shows, and every run is in it.
    pictures = 4 + (j['layouts'] > 1)
    assert tags.count('svg') == tags.count('figure') == tags.count('figcaption') == tags.count('desc') == pictures
    identifiers = [a['id'] for _, a, _ in page.elements if 'id' in a]
    assert len(set(identifiers)) == len(identifiers) == 2 * pictures
    for tag, attributes, _ in page.elements:
        if tag == 'svg':
            assert attributes['role'] == 'img' and set(attributes['aria-labelledby'].split()) <= set(identifiers)
        # In no picture anything is drawn outside of it, or at no number.
        for name in ('x', 'x1', 'x2', 'cx'):
            if tag != 'svg' and name in attributes:
                assert -1 <= float(attributes[name]) <= 421, attributes
        assert not re.search(r'\b(nan|inf)\b', ' '.join(v or '' for v in attributes.values())), attributes
    marks = [a['class'] for t, a, o in page.elements if t in ('circle', 'rect', 'path') and 'class' in a]
    shown = sum(c in ('dot a', 'dot b', 'out a', 'out b') for c in marks)
    legend = 2
    assert shown == 2 * 2 * j['pairs'] + legend, (shown, j['pairs'])
    assert sum(c in ('dot pair', 'out pair') for c in marks) == j['pairs'] * (1 + (j['layouts'] > 1))


with open(sys.argv[2], encoding='utf-8', newline='') as f:
    exported = f.read()
with open(sys.argv[3], encoding='utf-8') as f:
    {'csv': check_csv, 'markdown': check_markdown, 'html': check_html}[sys.argv[1]](exported, json.load(f))
