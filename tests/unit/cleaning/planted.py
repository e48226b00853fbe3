"""Items of evaluation sets to plant into documents, and the forms in which texts quote them."""

from __future__ import annotations

import functools
import random
import re
import textwrap
import unicodedata
from collections.abc import Callable

from tests.real_text import topic_documents
from tests.unit.cleaning.test_wording import spelled


def treebank(text: str) -> str:
    """Return a text as the Penn Treebank cuts it, roughly."""
    return re.sub(r"(?<=\w)(n['’]t|['’]s)\b", r" \1", re.sub(r'([?,.;:!"()])', r" \1 ", text))


def within(text: str, marks: str, instead: str) -> str:
    """Return a text with other marks within its words."""
    return re.sub(rf"(?<=\w)[{marks}](?=\w)", instead, text)


def hyphenated(text: str, chance: random.Random) -> str:
    return " ".join(
        f"{w[:3]}-\n{w[3:]}" if len(w) > 6 and w.isalpha() and chance.random() < 0.3 else w for w in text.split()
    )


PUNCTUATION = '.,:;?!"()*。，'
FORMS: dict[str, Callable[[str, random.Random], str]] = {
    "as it is": lambda text, chance: text,
    "wrapped": lambda text, chance: textwrap.fill(
        text, chance.randint(20, 60), break_long_words=False, break_on_hyphens=False
    ),
    "upper": lambda text, chance: text.upper(),
    "title": lambda text, chance: text.title(),
    "no punctuation": lambda text, chance: " ".join(word.strip(PUNCTUATION) for word in text.split()),
    "more punctuation": lambda text, chance: (
        text.replace(" ", " ** ") if chance.random() < 0.5 else text.replace(" ", ", ")
    ),
    "decomposed": lambda text, chance: unicodedata.normalize("NFKD", text),
    "full width": lambda text, chance: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "ligatures": lambda text, chance: text.replace("fi", "ﬁ").replace("fl", "ﬂ").replace("ff", "ﬀ"),
    "hyphenated": hyphenated,
    "soft hyphens": lambda text, chance: "".join(
        c + ("\u00ad" if c.isalpha() and chance.random() < 0.2 else "") for c in text
    ),
    "zero width": lambda text, chance: "".join(c + ("\u200b" if chance.random() < 0.2 else "") for c in text),
    "curly": lambda text, chance: text.replace("'", "’").replace('"', "”").replace("-", "\u2011"),
    "hyphens to spaces": lambda text, chance: within(text, "-", " "),
    "hyphens to dashes": lambda text, chance: within(text, "-", "\u2013"),
    "hyphens apart": lambda text, chance: within(text, "-", " - "),
    "hyphens of WikiText": lambda text, chance: within(text, "-", " @-@ "),
    "no hyphens": lambda text, chance: within(text, "-", ""),
    "apostrophes to spaces": lambda text, chance: within(text, "'’", " "),
    "no apostrophes": lambda text, chance: within(text, "'’", ""),
    "punctuation to spaces": lambda text, chance: "".join(
        " " if unicodedata.category(c)[0] in "PS" else c for c in text
    ),
    "Penn Treebank": lambda text, chance: treebank(text),
    "spaces": lambda text, chance: text.replace(" ", chr(chance.choice((0xA0, 0x2003, 0x3000))) + " "),
    "quoted mail": lambda text, chance: "> " + textwrap.fill(text, 50).replace("\n", "\n> "),
}


FOREIGN = [
    "Der schnelle braune Fuchs springt über den faulen Hund, während die große Katze höflich zusieht und schläft.",
    "L’été dernier, nous avons mangé des crêpes à la crème près de l’église où mon frère s’était marié l’an passé.",
    "¿Cuántos años tenía el señor Muñoz cuando la compañía española construyó el pequeño puente sobre aquel río?",
    "Съешь же ещё этих мягких французских булок, да выпей чаю, пока в саду поёт соловей и шумит зелёный лес.",
    "Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί ενώ ο ήλιος δύει πίσω από τους λόφους της Αθήνας.",
    "यह एक लंबा वाक्य है जिसे परीक्षा के लिए लिखा गया है ताकि हम देख सकें कि शब्द ठीक से मिलते हैं या नहीं",
    "هذه جملة طويلة كتبت من أجل الاختبار حتى نرى هل تجد الآلة كل الكلمات التي وضعناها في النص أم لا تجدها",
    "זהו משפט ארוך שנכתב לצורך הבדיקה כדי שנראה אם המכונה מוצאת את כל המילים ששמנו בתוך הטקסט או שלא",
    "Bu uzun cümle, makinenin metne yerleştirdiğimiz bütün sözcükleri bulup bulmadığını görmek için özenle yazıldı.",
    "Câu dài này được viết ra để kiểm tra xem máy có tìm thấy tất cả các từ mà chúng tôi đã đặt vào văn bản hay không.",
    "中华人民共和国的首都是北京，它是全国的政治中心和文化中心，也是一座有着三千多年历史的古老城市。",
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で泣いていた。",
    "ประเทศไทยมีเมืองหลวงชื่อกรุงเทพมหานครซึ่งเป็นเมืองที่ใหญ่ที่สุดและเป็นศูนย์กลางทางเศรษฐกิจของประเทศ",
    "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다 인간은 천부적으로 이성과 양심을 부여받았다",
]


@functools.cache
def canaries() -> list[str]:
    """Return real sentences and paragraphs of 5 to 60 words, and sentences of other languages."""
    chance, items = random.Random(3), set()
    for document in topic_documents():
        for paragraph in document["text"].split("\n\n"):
            item = " ".join(paragraph.split()[: chance.randint(5, 60)]).rstrip(".,:;")
            if len(spelled(item)) >= 5:
                items.add(item)
    return [*FOREIGN, *chance.sample(sorted(items), 386)]
