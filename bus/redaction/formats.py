"""Formats of keys that providers publish: first letters and what follows, or an inner mark.

`PREFIXED`: kind, first letters, what follows, how many at least. `MARKED`: kind, marks that must
stand in the text, pattern. `bus.redaction.published` looks for them.
"""

import re
from dataclasses import dataclass
from functools import cached_property

_WORD, _HEX, _LETTERS, _URLSAFE, _BASE64 = (
    "[A-Za-z0-9_]",
    "[0-9a-fA-F]",
    "[A-Za-z0-9]",
    "[A-Za-z0-9_-]",
    "[A-Za-z0-9_+/=-]",
)
_CUT = 12


@dataclass(frozen=True)
class Format:
    """A published format of keys."""

    kind: str
    prefixes: tuple[str, ...]
    letters: str
    least: int
    tail: str = ""

    @cached_property
    def whole(self) -> "re.Pattern[str]":
        """A key in full."""
        return re.compile(f"(?:{self._heads}){self.letters}{{{self.least},}}+{self.tail}")

    @cached_property
    def cut(self) -> "re.Pattern[str]":
        """The beginning of a key."""
        return re.compile(f"(?:{self._heads}){self.letters}{{{min(_CUT, self.least)},}}+")

    @cached_property
    def begun(self) -> "re.Pattern[str]":
        """What may stand behind its first letters where the text ends in the midst of a key."""
        return re.compile(rf"{self.letters}*+(?:\.[\w-]*)?")

    @property
    def _heads(self) -> str:
        return "|".join(map(re.escape, self.prefixes))


def _formats(table: str, letters: str) -> list[Format]:
    rows = [line.split() for line in table.strip().splitlines()]
    return [Format(kind, tuple(rest), letters, int(least)) for kind, least, *rest in rows]


PREFIXED = (
    Format("anthropic", ("sk-ant-",), _URLSAFE, 16),
    *_formats(
        """
        github 36 ghp_ gho_ ghu_ ghs_ ghr_
        github 82 github_pat_
        npm 36 npm_
        stripe 16 sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_ rk_prod_
        huggingface 30 hf_ api_org_
        databricks 32 dapi dose dsapi
        linear 40 lin_api_ lin_oauth_
        notion 40 ntn_
        prefect 36 pnu_ pnb_
        groq 48 gsk_
        replicate 36 r8_
        perplexity 40 pplx-
        alibaba 20 LTAI
        tencent 32 AKID
        nuget 43 oy2
        crates 32 cio
        postman 24 PMAK-
        facebook 80 EAA
        vercel 24 vcp_ vci_ vca_ vcr_ vck_
        supabase 40 sbp_
        easypost 54 EZAK EZTK
        circleci 60 CCIPAT_
        pinecone 50 pcsk_
        """,
        _WORD,
    ),
    *_formats(
        """
        digitalocean 64 dop_v1_ doo_v1_ dor_v1_
        shopify 32 shpat_ shpca_ shppa_ shpss_ shptka_
        mailgun 32 key-
        pulumi 40 pul-
        sonar 40 sqp_ squ_ sqa_
        rubygems 48 rubygems_
        buildkite 40 bkua_
        sentry 64 sntryu_
        shippo 40 shippo_live_ shippo_test_
        """,
        _HEX,
    ),
    *_formats(
        """
        gitlab 20 glpat- glptt- gldt- glrt- glrtr- glcbt- glsoat- glft- glagent- gloas-
        gitlab 20 glimt- glffct- glwt-
        gitlab 20 GR1348941
        slack 10 xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- xoxe.xoxp- xoxe.xoxb- xapp-
        openai 20 sk-proj- sk-svcacct- sk-admin-
        google 35 AIza
        google 28 GOCSPX-
        google 20 ya29. 1//0
        pypi 50 pypi-
        sendinblue 64 xkeysib- xsmtpsib-
        vault 24 hvs. hvb. hvr.
        heroku 36 HRKU-
        newrelic 19 NRAK- NRII- NRJS- NRRA- NRAA-
        square 22 sq0atp- sq0csp- sq0idp-
        contentful 40 CFPAT-
        figma 36 figd_
        flyio 40 fo1_ fm1a_ fm1r_ fm2_
        planetscale 32 pscale_tkn_ pscale_oauth_ pscale_pw_
        docker 24 dckr_pat_ dckr_oat_
        openshift 43 sha256~
        xai 64 xai-
        nvidia 56 nvapi-
        langsmith 36 lsv2_pt_ lsv2_sk_
        tailscale 20 tskey-
        bitbucket 28 ATBB
        atlassian 80 ATATT3 ATCTT3
        grafana 32 glc_
        grafana 41 glsa_
        sentry 60 sntrys_
        stripe 24 whsec_
        age 58 AGE-SECRET-KEY-1
        aws 60 ABSKQmVkcm9ja0FQSUtleS bedrock-api-key-
        aws 100 IQoJ FwoGZXIvYXdz FQoGZXIvYXdz
        dropbox 60 sl.
        jfrog 60 AKCp
        netlify 36 nfp_
        clojars 60 CLOJARS_
        duffel 40 duffel_live_ duffel_test_
        frameio 60 fio-u-
        typeform 40 tfp_
        """,
        _BASE64,
    ),
    Format("twilio", ("SK", "AC"), "[0-9a-z]", 32, "(?![A-Za-z0-9])"),
    Format("airtable", ("pat",), _LETTERS, 14, r"\.[0-9a-f]{64}"),
    Format("sendgrid", ("SG.",), _URLSAFE, 16, rf"\.{_URLSAFE}{{30,}}+"),
    Format(
        "doppler", ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."), r"[\w.]", 40
    ),
    Format("dynatrace", ("dt0c01.", "dt0s01.", "dt0s02."), "[A-Z0-9]", 24, r"\.[A-Z0-9]{64}"),
    Format("onepassword", ("ops_eyJ",), _BASE64, 100),
)

MARKED = tuple(
    (kind, tuple(marks.split()), re.compile(pattern))
    for kind, marks, pattern in (
        (
            "aws",
            "AKIA ASIA ABIA ACCA A3T",
            r"(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}(?![A-Za-z0-9])",
        ),
        ("square", "EAAA", r"(?:(?<![\w+/-])|(?<=\\[nrt]))EAAA[\w-]{60}(?![\w+/=-])"),
        (
            "resend",
            "re_",
            r"(?:(?<!\w)|(?<=\\[nrt]))re_(?=\w{0,30}[A-Z])[A-Za-z0-9]{8}_[A-Za-z0-9]{24}(?!\w)",
        ),
        ("launchdarkly", "sdk-", r"sdk-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?!\w)"),
        ("aws", "amzn.mws.", r"amzn\.mws\.[0-9a-f-]{36}"),
        (
            "openai",
            "sk-",
            r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))sk-(?=[\w-]{0,40}\d)[A-Za-z0-9][\w-]{31,}+",
        ),
        ("discord", ".", r"\.(?<=[MNO][\w-]{22}.)[\w-]{6}\.[\w-]{27,40}(?![\w-])"),
        ("discord", ".", r"\.(?<=[MNO][\w-]{23}.)[\w-]{6}\.[\w-]{27,40}(?![\w-])"),
        ("discord", ".", r"\.(?<=[MNO][\w-]{25}.)[\w-]{6}\.[\w-]{27,40}(?![\w-])"),
        ("telegram", ":AA", r"(?<=\d:)AA[\w-]{33}(?![\w-])"),
        ("mailchimp", "-us", r"-us(?<=[0-9a-f]{32}...)\d{1,2}(?!\d)"),
        ("mailgun", "-", r"-[0-9a-f]{8}-[0-9a-f]{8}(?<=[0-9a-f]{32}.{18})(?![\w-])"),
        ("terraform", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,}+"),
        ("azure", "Q~", r"(?:(?<![\w~.-])|(?<=\\[nrt]))[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])"),
        ("azure", "AZDO", r"(?<!\w)[A-Za-z0-9]{76}AZDO\w{4}(?!\w)"),
        (
            "azure",
            "AzFu AzSe AzCa ACDb +ASt +ACR AIoT +ARm +ABa +AMC",
            r"(?<![\w+/])[\w+/-]{30,80}(?:AzFu|AzSe|AzCa|ACDb|\+ASt|\+ACR|AIoT|\+ARm|\+ABa|\+AMC)"
            r"[\w+/-]{4,10}={0,2}",
        ),
        (
            "slack",
            "hooks.slack.com/",
            r"(?<=hooks\.slack\.com/)(?:services/\w{6,}/\w{6,}/\w{24}|(?:workflows|triggers)/[\w/]{40,}+)",
        ),
        ("discord", "/api/webhooks/", r"(?<=/api/webhooks/)\d{6,}/[\w-]{40,}+"),
        ("teams", ".webhook.office.com/", r"(?<=\.webhook\.office\.com/)webhookb2/[\w@/-]{40,}+"),
        ("google", ":APA91b", r"AAAA[\w-]{7}:APA91b[\w-]{100,}+"),
        ("braintree", "access_token$", r"access_token\$\w+\$[0-9a-z]{16}\$[0-9a-f]{32}"),
        ("newrelic", "NRAL", r"(?<!\w)[0-9a-f]{36}NRAL(?!\w)"),
        ("jwt", "eyJ", r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]+)*+"),
        ("jwt", "eyJ", r"(?<=\\[nrt])eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]+)*+"),
        ("jwt", "eyJ", r"(?<![\w-])eyJ[\w-]{16,}+\.\.[\w-]{8,}+(?:\.[\w-]+)*+"),
        ("password-hash", "$2", r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}"),
        ("password-hash", "$1$ $5$ $6$ $y$", r"\$[156y]\$[\w./=$-]{20,}+"),
        (
            "password-hash",
            "$argon2 $pbkdf2 $scrypt",
            r"\$(?:argon2|pbkdf2|scrypt)[\w$=,+/.-]{30,}+",
        ),
    )
)
