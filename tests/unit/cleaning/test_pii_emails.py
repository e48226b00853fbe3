"""E-mail addresses in the forms of their specifications, and what looks like them."""

from __future__ import annotations

import pytest

from tests.unit.cleaning.pii_marks import cases, found, meant

MAIL = r"""
Write to ⟦jane@example.org⟧.
Write to ⟦jane@example.org⟧, or to <⟦j.doe@mail.example.co.uk⟧>; not "⟦a@b.co⟧"!
mailto:⟦jane.doe+news@example.org⟧?subject=Hi
MAILTO://⟦jane@example.org⟧
⟦"john doe"@example.org⟧ and ⟦"a\"b@c"@example.org⟧
⟦user+tag+more@example.org⟧ ⟦user-name@sub-domain.example.museum⟧ ⟦x_y@example.photography⟧
⟦o'brien@example.ie⟧, ⟦R&D@example.com⟧, ⟦sales%eu@example.com⟧
?email=⟦jane@example.org⟧&name=x
?a=1&⟦jane@example.org⟧
to=⟦jane@example.org⟧;cc=⟦bob@example.org⟧
⟦jane@[192.0.2.1]⟧ or ⟦jane@[IPv6:2001:db8::1]⟧
⟦δοκιμή@παράδειγμα.δοκιμή⟧
⟦用户@例子.广告⟧
联系：⟦wang.li@example.cn⟧。谢谢
请发邮件到⟦wang.li@example.cn⟧询问
⟦अजय@डाटा.भारत⟧
⟦квіточка@пошта.укр⟧
⟦Dörte@Sörensen.example.com⟧
⟦ಬೆಂಬಲ@ಡೇಟಾಮೇಲ್.ಭಾರತ⟧
⟦ทดสอบ@โดเมน.ไทย⟧
⟦jose⟧
⟦info@bücher.example⟧ ⟦info@xn--bcher-kva.example⟧ ⟦a@example.xn--p1ai⟧
⟦ｊａｎｅ＠ｅｘａｍｐｌｅ．ｊｐ⟧（田中）
⟦tanaka@example.jp⟧(田中)
⟦jane@example.org⟧(work), ⟦bob@example.org⟧(home)
⟦jane﹫example.org⟧
|⟦jane@example.org⟧|⟦bob@example.org⟧|
**⟦jane@example.org⟧** `⟦bob@example.org⟧` [⟦mia@example.org⟧](mailto:⟦mia@example.org⟧)
&lt;⟦jane@example.org⟧&gt;
⟦12345678@qq.com⟧ ⟦me@163.com⟧
⟦SRS0=HHH=TT=example.net=jane@example.org⟧ ⟦list-bounces+jane=example.net@lists.example.org⟧
⟦{ada,bob}@cs.example.edu⟧ ⟦\{ada, bob.c\}@cs.example.edu⟧
⟦jane@example.com⟧Phone: 1
⟦git@vger.example.org⟧ is a list
{"email":"⟦jane@example.org⟧"}
{"m":"said:\n⟦greta.holm@example.org⟧\nand"}
"Thanks\ngreta" text\r\n⟦greta@example.org⟧\tx
CORP\⟦nancy@example.org⟧
\u003c⟦vera@example.org⟧\u003e and %3C⟦vera@example.org⟧%3E mailto:%20⟦vera@example.org⟧
is ⟦!#$&'*+-/=?^_`{|}~@odd.example.org⟧, but
⟦customer/department=shipping@example.com⟧ is legal
sip gateway, user ⟦jane@example.org⟧: hello
git@host.example.org:path/to/repo
deploy@git.example.org:team/site.git
ssh -T git@github.example.org
ssh://git@host.example.org/x.git
https://user:secret@example.org/ and ftp://anonymous@ftp.example.org
npm i @scope/pkg@next.beta lodash@4.17.21 react@18.3.0-canary.one
icon@2x.png getty@tty1.service report@final.docx
@user@social.example.org and !group@lemmy.example
thanks @night_owl and @kim.lee
jane@localhost
jane@example
jane@.example.org
jane @ example . org
root@host.example.org:~$ ls
obj@cls.method() and f@x.call(self)
@app.route("/x") @dataclass
this@MainActivity.context and x@self.weight and a@b.sum(axis=1)
a@b@
""".replace("⟦jose⟧", "⟦jose\u0301@example.org⟧").strip()


@pytest.mark.parametrize("line", cases(MAIL))
def test_mail(line: str) -> None:
    """The address, all of it and nothing else."""
    text, addresses = meant(line)
    assert found(text, "email") == addresses
