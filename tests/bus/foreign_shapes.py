"""Shapes of secrets that other scanners' tests and rules know, written down after ours was built.

Each line holds `@` where the secret stands; the value is drawn anew. A value of its own alphabet or
length is named in front: `hex40`, `uuid`, `punct`.
"""

import random
import string
import uuid

from tests.bus.planted_secrets import HEX, LETTERS, some

SHAPES = r"""
text curl --cacert ca.crt -u elastic:@ https://search:9200
text curl -k -X POST https://cache:11222/rest -d 'world' -u developer:@
text curl -u ":@" https://search:9200
text curl -sw '%{http_code}' -X POST --user  'johns:@' $API/commit
text curl --user kevin:'@' -iX PATCH -H "Content-Type: application/json" -d
uuid curl --header  'Authorization:  @'
hex32 curl -X GET "http://host:3000/cron" -H "Authorization: Bearer @"
hex40 curl -H "Authorization: Api-Token @" --request PUT https://host/report
hex40 curl -H "Authorization: Token @" --request PUT https://host/report
uuid curl -X GET -H "apikey: @" -H "Accept: application/json"
text curl -X POST --header "Api-Token: @"
hex16 curl -XPOST http://host/tasks -H "Token: @" -d "content=hello"
uuid curl -X GET https://host/ -H "X-Octopus-ApiKey: @"
text <add key="Password" value="@" />
text <add key="ClearTextPassword" value="@" />
hex64 "client_secret" : "@",
punct apikey := "@"
punct theapikey:@
punct 'theapikey': '@'
punct some_dict["secret"] = "@"
punct some_dict['secret'] = @
punct the_password= "@"
punct my_password =@
punct private_key '@';
punct apikey "@";
punct apikey = @"@"
text mysql -u shop -p@ orders
text mysqldump --password=@ orders
text sshpass -p @ ssh root@10.0.0.4
text redis-cli -h cart -a @ ping
text PGPASSWORD=@ psql -h db -U shop
text machine git.boutique.svc login shop password @
text //registry.boutique.svc/:_authToken=@
text //registry.boutique.svc/:_password="@"
text CREATE USER shop WITH PASSWORD '@';
text ALTER USER 'shop' IDENTIFIED BY '@';
text GRANT ALL ON orders.* TO shop IDENTIFIED BY "@"
text requirepass @
text masterauth @
text user shop on >@ ~* +@all
text spring.datasource.password=@
text jdbc:mysql://db:3306/orders?user=shop&password=@&useSSL=false
text jdbc:oracle:thin:shop/@@db:1521:orders
text "auths": {"registry": {"username": "shop", "password": "@"}}
text new MongoClient("mongodb+srv://shop:@@cluster0.mongodb.net/orders")
text ftp://deploy:@@files.boutique.svc/pub
text sftp://deploy:@@files:22/pub
text smtp://mailer%40shop.svc:@@mail:587
text x-api-key: @
text X-Auth-Token: @
text Proxy-Authorization: Basic c2hvcDo@
text Set-Cookie: JSESSIONID=@; Path=/; HttpOnly
text {"level":"debug","headers":{"authorization":["Bearer @"],"accept":["*/*"]}}
text {"set-cookie":["connect.sid=@; Path=/; HttpOnly"]}
text <wsse:Password Type="wsse:PasswordText">@</wsse:Password>
text password => '@',
text 'password' => "@",
text secret_key_base: @
text django.SECRET_KEY = '@'
text api.key=@
text os.environ["DB_PASSWORD"] = "@"
text setenv("API_TOKEN", "@", 1)
text define('DB_PASSWORD', '@');
text Failed login: user=shop pass=@ from 10.4.0.9
text User shop logged in with password "@"
text -Dcom.shop.keystore.password=@ -Xmx512m
text env: [DB_PASSWORD=@ PORT=8080]
text map[password:@ user:shop]
text {Username:shop Password:@ Port:5432}
text &{User:shop Passwd:@}
text Config(user='shop', password='@', port=5432)
text ClientSecret = @, TenantId = 42
text snmp-server community @ RO
text wpa_passphrase=@
text kubeadm join 10.0.0.1:6443 --token abcdef.@ --discovery-token-ca-cert-hash sha256:00
text vault write auth/approle/login role_id=shop secret_id=@
text X-Vault-Token: @
text aws configure set aws_secret_access_key @
text --from-literal=password=@
text helm upgrade shop --set redis.auth.password=@ --set x=1
text docker login -u shop -p @ registry.boutique.svc
"""


def drawn(draw: random.Random) -> list[tuple[str, str]]:
    """Every shape as a text, with the secret in it."""
    lines = (line.split(" ", maxsplit=1) for line in SHAPES.strip().splitlines())
    return [_filled(shape, _value(kind, draw)) for kind, shape in lines]


def _filled(shape: str, value: str) -> tuple[str, str]:
    at = max(shape.find(mark) for mark in (">@", "@@", "'@'", '"@"', ":@", "=@", " @", ".@", "o@"))
    at = shape.index("@", at) if at >= 0 else shape.rindex("@")
    return shape[:at] + value + shape[at + 1 :], value


def _value(kind: str, draw: random.Random) -> str:
    if kind == "uuid":
        return str(uuid.UUID(int=draw.getrandbits(128)))
    if kind.startswith("hex"):
        return some(draw, HEX, int(kind[3:]))
    if kind == "punct":
        return some(draw, LETTERS + "!$%^*-_#}]", 24)
    return some(draw, LETTERS + "-_!", draw.randint(12, 20)).strip("-_!" + string.whitespace) + "7k"
