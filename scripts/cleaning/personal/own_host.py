"""The unspecified and the loopback address of IPv6, `::` and `::1`, told from operators, slices and indentation.

Both are so short that only what stands around tells: a port as netstat and docker print it, quotes, another address in the
same list, words such as listen, bind, loopback. Languages in which `::` is an operator have those words for names, too,
so that `::` before a word is none unless the word could follow an address in a sentence.
"""

from __future__ import annotations

import re

_FORM = re.compile(r"(::1|(?:0{1,4}:){7}0{0,3}[01]|::)(:(?:\d{1,5}|\*)|[.#]\d{1,5})?(?![A-Za-z0-9_]|[:*][\w:*]|\.\w)")
_BEFORE = 80  # characters before in which a word tells about a loopback address
_BEHIND = 48
_CLOSE = 44  # … about an unspecified one
_QUOTES = "\"'`“”„‘’«»「」『』"
_NEAR = re.compile(
    r"(?i)listen|bind|bound|loop-?back|local-?host|local-?net|ip-?v?6|inet6|aaaa|tcp|udp|addr|adres|адрес"
    r"|direcc|endere|indirizz|osoite|διευθυνσ|διεύθυνσ|地址|アドレス|位址|주소|عنوان|آدرس|כתובת"
    r"|पता|ที่อยู่|địa chỉ|interface|interfaz"
    r"|schnittstelle|интерфейс|econn|connect"
    r"|trying|ping|from |ssh|remote|client|server|сервер|host|resolv|dns|proxy|deny|allow|trusted|subnet"
    r"|network|route|gateway|\bips?\b|\bports?\b|socket|dev lo|unspecified|wildcard|telnet|nmap|curl|require|user@|root@"
)
_PLACES = re.compile(
    r"(?i)listen|bind|bound|loop-?back|local-?host|ip-?v6|inet6|tcp6|udp6|in6|\baaaa\b|addr|adres|адрес|direcc|endere|indirizz|osoite"
    r"|地址|アドレス|位址|주소|عنوان|آدرس|interface|interfaz|schnittstelle|интерфейс|host|endpoint|unspecified|wildcard|socket|server"
    r"|\bips?\b"
)
_OPERATORS = re.compile(
    r"(?i)split|join|separat|delimit|namespace|scope|operator|module|replace|paamayim|resolution|concat|cast|typed?\b|prefix:|suffix"
    r"|explode|implode|substr|strpos|indexof|startswith|endswith|tokeni[sz]e"
)
_OUTPUT = re.compile(
    r"(?i)tcp|udp|listen|established|time_wait|->|connect|econn|bind|host|addr|socket|trying|server|raw6|users:"
)
_ADDRESS = r"(?:(?:\d{1,3}\.){3}\d{1,3}|::1|[0-9a-f]{1,4}(?::{1,2}[0-9a-f]{1,4}){2,7}|[0-9a-f]{1,4}::)(?:[:/]\d{1,5})?"
_JOINT = (
    r"[\])>\"'`“”]*(?:\s?[,;/|&、，]\s*|\s+)(?:(?:and|or|und|oder|et|ou|y|o|e|i|и|или|en|of|och|og|eller|ja|ve|veya|lub|nebo|dan|atau"
    r"|和|或|と|-)\s*)?[\[(<\"'`„“-]*"
)
_AFTER_ONE = re.compile(rf"(?i){_ADDRESS}{_JOINT}\Z")
_BEFORE_ONE = re.compile(rf"(?i){_JOINT}{_ADDRESS}(?![\w:])")
_ONE_NEAR = re.compile(r"(?i)(?<![\w.:])(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{1,4}(?::{1,2}[0-9a-f]{1,4}){2,7})(?![\w:])")
_LINE = re.compile(r"(?:^|\n)[>+ \t-]{0,4}\Z")
_AFTER_LINE_START = re.compile(r"[ \t]+(?:[\w.-]*local|ip6-|- |dev )|[ \t]*(?:\n\S|$)", re.IGNORECASE)
_GAP = re.compile(r"[\s:=>\"'`(\[,\u3000-\u30ff-]{0,4}(?:[^\W\d_]{1,9}[\s:=\"'`(\[]{1,3}){0,2}[:：]?\s?")
_CODE_BEHIND = re.compile(  # a type, a name that is declared, a literal block of reStructuredText
    r"\s*(?:[A-Z(!@*{<\\$]|[:\[]|[-=]>)|[ \t]*\n[ \t]*\n[ \t]|[ \t]+(?!(?:and|or|port|is|as|are|for|on|in|with|to|at|from"
    r"|means?|which|if|but|when|instead|address|interface|localhost|only|works|accepts|covers|und|oder|ist|auf|bedeutet|statt|et|ou|est|sur|y|o|es|e|dev"
    r"|metric|prefixlen|netmask|eth\d?|lo|и|или|это)\b)[a-z_]\w*"
)
_IS_ANY = re.compile(
    r"(?i)[\"'`”)\]]*\s*(?:\(?(?:any|all|unspecified|wildcard|every|the unspecified|the any|the ipv6|ipv6)\b"
    r"|(?:is|means?|for|as) (?:the |an? |any |every |all |both )*(?:ipv6|unspecified|wildcard|any|all|interfaces?|address)"
    r"|port \d)"
)
_WITH_PORT = re.compile(r"[\"'],\s*\d{2,5}\b")
_HOSTS_BRACKET = re.compile(r"(?i)(?:local-?host[\w.-]*|unknown|loopback|ip6-\w+)\[\Z")


def ends(text: str, begin: int) -> int | None:
    """Return where the address of the own host ends that begins at a place of folded text; nothing where none does."""
    found = _FORM.match(text, begin, begin + 48)
    if found is None:
        return None
    before = text[max(0, begin - _BEFORE) : begin]
    if re.search(r"[A-Za-z0-9_:.)\]]\Z", before):
        return None
    end = found.end(1)
    behind = text[end : end + _BEHIND + 12]
    near = f"{before.rpartition(chr(10) * 2)[2]} {behind.partition(chr(10) * 2)[0]}"
    if len(found[1]) > 3:
        return end
    if found[2]:
        is_output = behind.startswith((":*",)) or re.match(r":\d+(?:->|\s+:::\*)", behind) or _OUTPUT.search(near)
        return end if is_output and (found[2][0] == ":" or found[1] == "::1") else None
    is_one = _is_loopback(before, behind, near) if found[1] == "::1" else _is_unspecified(before, behind)
    return end if is_one else None


def _is_loopback(before: str, behind: str, near: str) -> bool:
    """Tell whether `::1` is an address: slices of arrays and indentation before a 1 are not."""
    closes = behind[:1] == "]"
    if _HOSTS_BRACKET.search(before) and closes:
        return True
    if (closes and before[-1:] != "[") or re.search(r"(?<![#.]\d)\w[\[(]\Z|\[[^\]\n]*:,\s?\Z", before):
        return False
    if before[-1:] == "[" and re.match(r",\s?:", behind):
        return False
    if before[-1:] and before[-1] in _QUOTES and behind[:1] and behind[0] in _QUOTES:
        return True
    if re.search(r"\|\s*\Z", before) and re.match(r"\s*\|", behind):
        return True
    if _AFTER_ONE.search(before) or _BEFORE_ONE.match(behind):
        return True
    if _LINE.search(before):
        return _AFTER_LINE_START.match(behind) is not None
    return _NEAR.search(near) is not None or _ONE_NEAR.search(near) is not None


def _is_unspecified(before: str, behind: str) -> bool:
    """Tell whether `::` is an address and no operator."""
    quoted = before[-1:] != "" and before[-1] in _QUOTES and behind[:1] != "" and behind[0] in _QUOTES
    bracketed = before[-1:] == "[" and behind[:1] == "]" and not re.search(r"[\w)\]]\[\Z", before)
    around = f"{before if quoted else before[-_CLOSE:]} {behind[:_CLOSE]}"
    if _OPERATORS.search(around):
        return False
    if _AFTER_ONE.search(before) or _BEFORE_ONE.match(behind):
        return True
    if quoted or bracketed:
        return _WITH_PORT.match(behind) is not None or _PLACES.search(around) is not None
    if _CODE_BEHIND.match(behind):
        return False
    if _IS_ANY.match(behind):
        return True
    words = list(_PLACES.finditer(before, max(0, len(before) - _CLOSE)))
    if not words:
        return False
    rest = re.sub(r"^[\w-]*", "", before[words[-1].end() :])
    return _GAP.fullmatch(rest) is not None
