"""What looks like a secret's name and value and is source code, an address or a setting stays."""

import pytest

from bus.cleaning import clean

CODE = """
if password == stored_password:
if password != stored_password {
while token === expected_token1
assert user.password == hash_of(given1)
password=get_password()
password=self._vault.read("db")
password = await fetch_secret1(name)
password=user.password
password=form.password.data,
password = args.db_password
password: loginForm.password,
self.password = password
this.dbPassword = dbPassword;
db.connect(password=db_password, token=auth_token)
password=$password
    'password' => $dbPassword,
password: str | None = None
password: Optional[str] = None,
password: SecretStr = Field(min_length=8)
password: Option<String>,
end_tokens: t.Optional[t.Tuple[str, ...]] = None,
password: &str
password?: string;
const password = useRef<string>(null)
def login(user: str, password: str, token: Token | None) -> None:
    Password string `json:"password"`
let secret = config->secret;
password: None = None,
state_credentials: StateCredentials,
DATA_KEY = "__data__"
we could pass "single" instead of "exec" here
"""
SETTINGS = """
PWD=/var/lib/app-1
OLDPWD=/srv/app2/x9 PWD=/srv
auth: oauth2-proxy
PasswordHasher: argon2id v19
PasswordEncoder: bcrypt2 strength 10
arn:aws:secretsmanager:eu-west-2:123456789012:secret:cart-Ab12Cd
{"SecretId":"arn:aws:secretsmanager:eu-west-2:123456789012:secret:shop/cart-Ab12Cd"}
valueFrom: arn:aws:secretsmanager:eu-west-2:123456789012:secret:cart-Ab12Cd:password::
"""

PLACES = """
	at o.s.s.crypto.password.PasswordEncoder.encode(PasswordEncoder.java:120) ~[crypto.jar!/:5.7]
	at com.x.PasswordUtil$1.run(PasswordUtil.java:1204)
   at app.Password.Check() in /app/Password.cs:line 34
at checkPassword (/app/src/password.js:120:15)
    /app/internal/password.go:120 +0x1d
thread 'main' panicked at src/password.rs:42:9:
Error: src/auth/apiKey.ts:4512:17 is no module
"""
REPORTED = """
PASS: TestCartAdd (0.01s)
test pass rate pass=99.5%
Readiness: pass=3/5, pass: 12
password: wrong
password: expired
password: mismatch
db password: denied
password: rejected
passwordless: enabled
GOOGLE_APPLICATION_CREDENTIALS=/var/secrets/google/key.json
secret: db-creds-2026
secret_id=db-creds
visa processor latency 4539578763621486 ns
"""


@pytest.mark.parametrize("line", (PLACES + REPORTED).strip("\n").splitlines())
def test_places_in_source_and_what_is_reported_of_a_secret_stay(line: str) -> None:
    assert clean(line) == line


@pytest.mark.parametrize(
    "line",
    [
        "password.java: {}",
        "PasswordEncoder.java:{}",
        "password.go:120{}",
        "pass={}",
        "db.pass={}",
        "password: {}",
        "passwordless: 1, password: {}",
        "GOOGLE_CREDENTIALS=/{}",
        "secret: db-{}",
    ],
)
def test_a_value_that_only_begins_like_evidence_goes(line: str) -> None:
    assert "9horse" not in clean(line.format("!Tr4x" + "9horse"))


@pytest.mark.parametrize("below", ["DB_HOST=redis-cart", "DB_HOST=", "host=redis-cart", "db.url=x"])
def test_an_empty_setting_does_not_eat_the_next_one(below: str) -> None:
    text = f"DB_PASSWORD=\n{below}\nDB_PORT=6379"
    assert clean(text) == text


def test_a_value_on_the_next_line_goes_though_it_ends_like_a_setting() -> None:
    value = "c2VjcmV0" + "IGhvcnNlcw="
    assert clean(f"password=\n{value}\nuser=shop") == "password=\n[secret:password]\nuser=shop"


@pytest.mark.parametrize("line", CODE.strip("\n").splitlines())
def test_source_code_is_evidence(line: str) -> None:
    assert clean(line) == line


@pytest.mark.parametrize("line", SETTINGS.strip().splitlines())
def test_paths_programs_and_names_of_secrets_stay(line: str) -> None:
    assert clean(line) == line


@pytest.mark.parametrize(
    "text",
    [
        "<password>{}</password>",
        "<db><wsse:Password a='b'>{}</wsse:Password> retried</db>",
        "<password><![CDATA[{}]]></password>",
        '{{"xml": "<password>{}</password>\\n"}}',
    ],
)
@pytest.mark.parametrize("value", ["x4y", "hunter" + "2", "a b c" + "1", "p.q" + "!r"])
def test_an_element_keeps_its_closing_tag(text: str, value: str) -> None:
    assert clean(text.format(value)) == text.format("[secret:password]")


@pytest.mark.parametrize(
    "text",
    [
        "DB_PASSWORD={}",
        "redis:6379,password={},ssl=False",
        "Password={};Server=db",
        "password: {}",
        "  password: {}  # of the shop",
    ],
)
def test_words_that_somebody_may_have_chosen_go(text: str) -> None:
    assert "_sec" not in clean(text.format("my_" + "secret"))


@pytest.mark.parametrize("length", [0, 1])
def test_a_name_that_begins_the_text_is_read_from_there(length: int) -> None:
    text = " " * length + "password: " + "hunter2" + "\n<"
    assert "hunter2" not in clean(text)


@pytest.mark.parametrize(
    "text",
    [
        'if password == "{}":',
        "password = '{}'  # of user.password",
        "password={}",
        "password: {}",
        "PWD={}",
        "pwd=/{}",
        "Pwd=/{}/9",
        "password=user.{}",
        "db.connect(password='{}', token=auth_token)",
        "password={}.example",
    ],
)
def test_a_literal_is_a_secret_in_code_too(text: str) -> None:
    assert "hunter2" not in clean(text.format("hunter2" + "hunter2"))


def test_the_name_on_the_line_below_a_key_is_no_part_of_it() -> None:
    line = '\nauth_domain_of_the_shop="https://shop.example",'
    assert clean('client_secret="' + "sk_te" + 'st_456",' + line).endswith(line)
