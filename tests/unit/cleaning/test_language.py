"""Language identification: sentences in many languages, variants of Chinese, what is undetermined, and exactness."""

from __future__ import annotations

import itertools
import json
import zipfile
from pathlib import Path

import fasttext
import numpy as np
import pytest

from benchmarks.labelled_texts import of_declarations, of_others
from benchmarks.language_calibration import calibration_error
from scripts.cleaning.fasttext_model import fnv, load
from scripts.cleaning.fasttext_score import Scorer
from scripts.cleaning.language import UNDETERMINED, Identifier, calibrated, model_path
from scripts.cleaning.tags import matches
from scripts.cleaning.writing import sampled, squeezed
from scripts.lib.errors import UserError

DATA = Path(__file__).parents[4] / "shared" / "data"
SENTENCES = {
    "en": "The children walked home through the rain and were happy to find the kitchen warm.",
    "de": "Am Abend saßen wir noch lange im Garten und sprachen über die Reise nach Italien.",
    "fr": "Nous avons attendu le train pendant une heure, puis nous sommes rentrés à pied.",
    "es": "Mi hermana trabaja en un hospital y vuelve a casa muy tarde casi todas las noches.",
    "it": "Domani mattina andiamo al mercato a comprare la verdura e il pane per la settimana.",
    "pt": "Não sei onde deixei as chaves, mas acho que estão em cima da mesa da cozinha.",
    "nl": "De fietser stopte bij het kruispunt omdat het licht plotseling op rood sprong.",
    "sv": "Vi åkte till stugan i skogen och badade i sjön trots att vattnet var kallt.",
    "da": "Han købte en ny cykel i går, men den blev stjålet allerede om natten ude i gården.",
    "fi": "Talvella järvi jäätyy ja lapset luistelevat siellä joka päivä koulun jälkeen.",
    "pl": "Wczoraj wieczorem długo rozmawialiśmy o tym, co będziemy robić w przyszłym roku.",
    "cs": "Včera jsme se byli podívat na výstavu, ale bylo tam příliš mnoho lidí.",
    "sk": "Včera sme sa boli pozrieť na výstavu, ale bolo tam príliš veľa ľudí.",
    "hu": "A gyerekek egész délután az udvaron játszottak, és csak este mentek haza.",
    "ro": "Ieri am fost la piață și am cumpărat mere, pere și câteva flori pentru mama.",
    "tr": "Dün akşam arkadaşlarımla birlikte deniz kenarında uzun bir yürüyüş yaptık.",
    "vi": "Hôm qua tôi đi chợ mua rau và cá về nấu cơm tối cho cả gia đình.",
    "id": "Presiden mengatakan bahwa pemerintah akan membangun sekolah baru di setiap kabupaten tahun depan.",
    "et": "Eile õhtul istusime kaua aias ja rääkisime suvisest reisist mere äärde.",
    "lv": "Vakar vakarā mēs ilgi sēdējām dārzā un runājām par ceļojumu uz jūru.",
    "lt": "Vakar vakare ilgai sėdėjome sode ir kalbėjome apie kelionę prie jūros.",
    "is": "Í gær fórum við í langa göngu meðfram ströndinni þrátt fyrir mikinn vind.",
    "cy": "Mae'r plant yn chwarae yn yr ardd bob dydd ar ôl iddynt ddod adref o'r ysgol.",
    "eu": "Atzo arratsaldean mendira joan ginen eta euria egin zuen egun osoan.",
    "eo": "Hieraŭ ni longe sidis en la ĝardeno kaj parolis pri la vojaĝo al la maro.",
    "ru": "Вчера вечером мы долго сидели в саду и говорили о поездке к морю.",
    "uk": "Учора ввечері ми довго сиділи в саду й розмовляли про подорож до моря.",
    "bg": "Вчера вечерта дълго седяхме в градината и говорихме за пътуването до морето.",
    "el": "Χθες το βράδυ καθίσαμε πολλή ώρα στον κήπο και μιλούσαμε για το ταξίδι.",
    "he": "אתמול בערב ישבנו זמן רב בגינה ודיברנו על הנסיעה אל הים.",
    "ar": "جلسنا مساء أمس وقتا طويلا في الحديقة وتحدثنا عن الرحلة إلى البحر.",
    "fa": "دیشب مدت زیادی در باغ نشستیم و دربارهٔ سفر به کنار دریا صحبت کردیم.",
    "ur": "کل شام ہم دیر تک باغ میں بیٹھے رہے اور سمندر کے سفر کے بارے میں باتیں کرتے رہے۔",
    "hi": "कल शाम हम देर तक बगीचे में बैठे रहे और समुद्र की यात्रा के बारे में बात करते रहे।",
    "bn": "গতকাল সন্ধ্যায় আমরা অনেকক্ষণ বাগানে বসে সমুদ্র ভ্রমণের কথা বলেছিলাম।",
    "ta": "நேற்று மாலை நாங்கள் தோட்டத்தில் நீண்ட நேரம் அமர்ந்து பேசிக்கொண்டிருந்தோம்.",
    "te": "నిన్న సాయంత్రం మేము తోటలో చాలాసేపు కూర్చుని మాట్లాడుకున్నాము.",
    "ka": "გუშინ საღამოს ჩვენ დიდხანს ვისხედით ბაღში და ვსაუბრობდით მოგზაურობაზე.",
    "hy": "Երեկ երեկոյան մենք երկար նստեցինք այգում և խոսեցինք ճամփորդության մասին։",
    "th": "เมื่อวานตอนเย็นพวกเรานั่งคุยกันในสวนเป็นเวลานานเรื่องการเดินทางไปทะเล",
    "km": "ល្ងាចម្សិលមិញ យើងបានអង្គុយនិយាយគ្នានៅក្នុងសួនច្បារអំពីដំណើរទៅសមុទ្រ",
    "lo": "ຕອນແລງມື້ວານນີ້ ພວກເຮົານັ່ງລົມກັນຢູ່ໃນສວນດົນນານ",
    "my": "မနေ့ညနေက ကျွန်တော်တို့ ဥယျာဉ်ထဲမှာ ထိုင်ပြီး ခရီးအကြောင်း ပြောခဲ့ကြတယ်။",
    "ko": "어제 저녁에 우리는 정원에 오래 앉아서 바다로 가는 여행에 대해 이야기했다.",
    "ja": "昨日の夕方、私たちは庭に長く座って海への旅行について話しました。",
    "zh-hans": "昨天晚上我们在花园里坐了很久,谈论去海边旅行的计划。",
    "zh-hant": "昨天晚上我們在花園裡坐了很久,談論去海邊旅行的計劃。",
    "yue": "琴晚我哋喺花園度坐咗好耐,傾緊去海邊玩嘅計劃。",
}
SHORT = {
    "en": "Where is the railway station?",
    "de": "Wo ist hier der Bahnhof, bitte?",
    "fr": "Où se trouve la gare, s'il vous plaît ?",
    "es": "¿Dónde está la estación de tren?",
    "ru": "Скажите, пожалуйста, где вокзал?",
    "el": "Πού είναι ο σταθμός;",
    "th": "สถานีอยู่ที่ไหน",
    "ja": "駅はどこですか",
    "ko": "역이 어디예요?",
    "zh-hans": "请问车站在哪里",
    "zh-hant": "請問車站在哪裡",
}


@pytest.fixture(scope="module")
def identifier() -> Identifier:
    return Identifier()


@pytest.mark.parametrize("language", SENTENCES)
def test_sentences_are_told_apart(identifier: Identifier, language: str) -> None:
    found, score = identifier.identify(SENTENCES[language])
    assert (found, score > 0.7) == (language, True)


@pytest.mark.parametrize("language", SHORT)
def test_questions_of_a_few_words_are_told_apart(identifier: Identifier, language: str) -> None:
    assert identifier.identify(SHORT[language])[0] == language


@pytest.mark.parametrize("language", ["en", "de", "fr", "tr", "ru", "el"])
def test_capitals_do_not_matter(identifier: Identifier, language: str) -> None:
    assert identifier.identify(SENTENCES[language].upper())[0] == language


def test_chinese_is_a_variant_only_by_its_own_characters(identifier: Identifier) -> None:
    assert identifier.identify("大家今天早上在山上看日出,天空十分美好。")[0] == "zh"
    both = SENTENCES["zh-hans"] + SENTENCES["zh-hant"]
    assert identifier.identify(both)[0] == "zh"
    mostly = SENTENCES["zh-hans"] * 9 + SENTENCES["zh-hant"][:8]
    assert identifier.identify(mostly)[0] == "zh-hans"


def test_a_page_in_another_script_may_hold_commands_and_names(identifier: Identifier) -> None:
    page = (
        "使用 apt-get install 命令安装软件包,然后编辑 /etc/apt/sources.list 文件,再运行 systemctl restart 重新启动服务。"
        * 3
    )
    assert identifier.identify(page)[0] == "zh-hans"
    assert identifier.identify("รองรับ Windows 11 และ macOS โดยดาวน์โหลดได้จากเว็บไซต์ example.com")[0] == "th"


def test_longer_texts_of_two_scripts_are_undetermined(identifier: Identifier) -> None:
    """Letters count alike there, so that few letters of many bytes do not name a page in English."""
    for other in ("th", "el", "ru", "hi"):
        for share, wanted in ((0.2, "en"), (0.5, UNDETERMINED), (0.9, other)):
            size = int(1500 * share)
            page = (SENTENCES["en"] * 30)[: 1500 - size] + " " + (SENTENCES[other] * 30)[:size]
            assert identifier.identify(page)[0] == wanted, (other, share)


def test_scripts_of_one_language_are_one(identifier: Identifier) -> None:
    korean = "大韓民國은 民主共和國이며 모든 權力은 國民에게서 나온다고 할 것이다. "
    assert identifier.identify(korean * 12)[0] == "ko"
    assert identifier.identify(SENTENCES["ja"] * 12)[0] == "ja"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "abc",
        "12345 67890 3.14159 2,71828 " * 20,
        "!!! ??? *** --- /// ((())) " * 20,
        "🙂🎉🚀 " * 30,
        "a1 b2 c3 d4 e5 f6 77 88 99 00 11 " * 20,
        "x" * 10_000,
        "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᎠᏂᏴᏫᏯ ᎤᎾᏓᏤᎵᎦ",  # Cherokee: a script that no language of the model has
        SENTENCES["ru"] + " " + SENTENCES["en"] * 2,
        SENTENCES["en"] * 8 + SENTENCES["de"] * 8,
    ],
)
def test_no_language_and_mixtures_are_undetermined(identifier: Identifier, text: str) -> None:
    found, score = identifier.identify(text)
    assert found == UNDETERMINED
    assert score < 0.5


@pytest.mark.parametrize("language", ["en", "ru", "zh-hans"])
@pytest.mark.parametrize(
    "noise", ["\ud800", "\x00", "\udfff\ud800 \x1b[0m", "\u200b\ufeff\u2028", "\x85\xa0", "\U0010ffff"]
)
def test_broken_characters_change_no_answer(identifier: Identifier, language: str, noise: str) -> None:
    text = SENTENCES[language] * 3
    assert identifier.identify(noise + text + noise + text)[0] == language
    assert identifier.identify(noise)[0] == UNDETERMINED


def test_one_giant_line_and_one_giant_word_are_read_in_bounded_time(identifier: Identifier) -> None:
    assert identifier.identify(SENTENCES["de"] * 20_000)[0] == "de"
    assert identifier.identify(SENTENCES["zh-hant"] * 20_000)[0] == "zh-hant"
    assert identifier.identify("\n" * 1_000_000 + SENTENCES["fr"])[0] == "fr"


def test_line_breaks_and_white_space_change_nothing(identifier: Identifier) -> None:
    sentences = [SENTENCES[language] for language in ("nl", "nl", "de", "nl")] * 30
    wanted = identifier.identify(" ".join(sentences))
    for between in ("\n", "\r\n", "\n\n \t", "\u00a0", "\u2028", "\u3000 "):
        assert identifier.identify(between.join(sentences)) == wanted
    assert identifier.identify("\n".join(" ".join(sentences).split(" "))) == wanted


def test_the_whole_of_a_text_is_looked_at(identifier: Identifier) -> None:
    menu = "Home | About us | Contact | Terms of use | Privacy policy | Sign in | Help | "
    page = menu * 4 + "\n" + SENTENCES["pl"] * 60 + menu
    assert identifier.identify(page)[0] == "pl"


def test_scores_rise_with_the_odds_and_stay_probabilities() -> None:
    for letters in (0, 10, 50, 10_000):
        scores = [calibrated(odds, letters) for odds in np.linspace(-40, 12, 100)]
        assert all(0 <= low < high <= 1 for low, high in itertools.pairwise(scores))


def test_sampled_stretches_are_valid_utf8_from_both_ends() -> None:
    for text in (SENTENCES["th"] * 50, SENTENCES["ru"] * 50, "\U0001f642" * 900, "ab" * 5000):
        data = squeezed(np.frombuffer(text.encode(), np.uint8))
        taken = sampled(data, 12, 128).tobytes().decode("utf-8")
        assert len(taken.encode()) <= 12 * (128 + 40)
        assert taken[:5] == text[:5] and taken[-5:] == text.rstrip()[-5:]


def test_the_score_is_that_of_fasttext() -> None:
    """The compiled sums give the label and the probability that fastText's own `predict` gives."""
    reference = fasttext.load_model(str(model_path()))
    scorer = Scorer(load(model_path()))
    texts = [
        *SENTENCES.values(),
        " ".join(SENTENCES.values()),
        "x",
        "a b",
        "é",
        "日",
        "\u00a0\u00a0",
        "de de de",
    ]
    for text in texts:
        scores = scorer.probabilities(text.encode("utf-8"))
        labels, probabilities = reference.predict(text, k=3)
        order = np.argsort(-scores)[:3]
        assert [f"__label__{scorer.labels[place]}" for place in order] == list(labels)
        np.testing.assert_allclose(scores[order], probabilities, atol=2e-6)


def test_the_hash_takes_bytes_as_signed() -> None:
    assert fnv(b"") == 2166136261
    assert fnv(b"a") == 0xE40C292C  # the published value of FNV-1a
    assert fnv("é".encode()) != fnv(b"e")


def test_another_file_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"no model", model_path().read_bytes()[:5000]):
        path = tmp_path / "other.ftz"
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"other\.ftz is no model"):
            load(path)


def test_tags_match_their_variants() -> None:
    assert matches("zh-hant", ["en", "zh"]) and matches("zh", ["zh"]) and matches("zh-hans", ["zh-hans"])
    assert not matches("zh", ["zh-hans"]) and not matches("zho", ["zh"]) and not matches("en", [])


def needs(path: Path) -> None:
    if not path.exists():
        name = path.relative_to(DATA.parents[1])
        pytest.skip(f"needs the real texts in ../{name}, which are not part of the repository")


def test_every_passage_of_nine_languages_is_recognised(identifier: Identifier) -> None:
    needs(DATA / "xquad")
    wrong = total = 0
    for path in sorted((DATA / "xquad").glob("*.json")):
        for article in json.loads(path.read_text("utf-8"))["data"][:12]:
            for paragraph in article["paragraphs"]:
                wrong += identifier.identify(paragraph["context"])[0] != path.suffixes[0][1:]
                total += 1
    assert total >= 400
    assert wrong / total <= 0.005


def test_the_two_chinese_declarations_are_told_apart(identifier: Identifier) -> None:
    needs(DATA / "nltk-data" / "udhr2.zip")
    with zipfile.ZipFile(DATA / "nltk-data" / "udhr2.zip") as archive:
        for name, wanted in (
            ("cmn_hans", "zh-hans"),
            ("cmn_hant", "zh-hant"),
            ("jpn", "ja"),
            ("khm", "km"),
            ("tha", "th"),
        ):
            text = archive.read(f"udhr2/{name}.txt").decode("utf-8")
            lines = [line.strip() for line in text.splitlines() if len(line.strip()) >= 25]
            found = [identifier.identify(line)[0] for line in lines]
            assert identifier.identify(text)[0] == wanted
            assert found.count(wanted) / len(found) >= 0.95


@pytest.mark.parametrize(("source", "bound"), [("xquad", 0.03), ("multi30k", 0.06), ("europarl", 0.03)])
def test_scores_are_probabilities_on_texts_not_fitted_on(identifier: Identifier, source: str, bound: float) -> None:
    needs(DATA / "xquad")
    texts = [text for text in of_others(DATA) if text.source == source][::7]
    assert expected_error(identifier, [(text.text, text.language) for text in texts]) <= bound


def test_scores_of_declarations_not_fitted_on_are_no_promises(identifier: Identifier) -> None:
    """In equal weights, most languages being rare: still of 100 texts with high scores nearly all are right."""
    needs(DATA / "nltk-data" / "udhr2.zip")
    texts = [text for text in of_declarations(DATA, 1) if text.language][::11]
    found = [(identifier.identify(text.text), text.language) for text in texts]
    sure = [tag.partition("-")[0] == language for (tag, score), language in found if score >= 0.98]
    assert len(sure) >= 300
    assert sum(sure) / len(sure) >= 0.97


def expected_error(identifier: Identifier, texts: list[tuple[str, str | None]]) -> float:
    found = [(identifier.found(text), language) for text, language in texts]
    kept = [(result, language) for result, language in found if result.language is not None]
    assert len(kept) >= 0.98 * len(found)
    scores = np.array([calibrated(result.odds, result.letters) for result, _ in kept])
    right = np.array([result.language == language for result, language in kept], float)
    return calibration_error(scores, right, np.full(len(kept), 1 / len(kept)))
