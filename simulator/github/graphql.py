"""The part of GitHub's GraphQL API that reads commits, files and blame: strict, in its own words.

GitHub answers 200 and `errors` where REST has a status. What is not in the part of the schema below
is refused as GitHub refuses what is not in its own.
"""

import hashlib
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING

from simulator.github.answers import Refused
from simulator.github.blame import blame
from simulator.github.repository import Repository, committed_at, person_of
from simulator.scenario import CommitSetup

if TYPE_CHECKING:
    from graphql import GraphQLError, GraphQLSchema

Json = dict[str, object]
_MISSING = re.compile(r"Argument '\w+\.(\w+)\((\w+):\)' of type '[^']*' is required")
_OLDEST_AGE = 10
_SCHEMA = """
scalar DateTime
scalar GitObjectID
scalar GitTimestamp
type Query { repository(owner: String!, name: String!, followRenames: Boolean = true): Repository }
type Repository {
  name: String!
  nameWithOwner: String!
  defaultBranchRef: Ref
  object(expression: String, oid: GitObjectID): GitObject
}
type Ref { name: String! target: GitObject }
interface GitObject { oid: GitObjectID! abbreviatedOid: String! }
type Commit implements GitObject {
  oid: GitObjectID!
  abbreviatedOid: String!
  message: String!
  messageHeadline: String!
  messageBody: String!
  authoredDate: DateTime!
  committedDate: DateTime!
  author: GitActor
  committer: GitActor
  blame(path: String!): Blame!
}
type Tag implements GitObject {
  oid: GitObjectID!
  abbreviatedOid: String!
  name: String!
  message: String
  target: GitObject!
}
type GitActor { name: String email: String date: GitTimestamp }
type Blame { ranges: [BlameRange!]! }
type BlameRange { age: Int! startingLine: Int! endingLine: Int! commit: Commit! }
"""


class Unresolved(Exception):
    """A field without a value, and GitHub's type of that error."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def answer_graphql(body: bytes, repository: Repository, *, now: datetime) -> Json:
    """What GitHub answers to the body of a POST. Raises Refused (400) for what is no request."""
    import graphql

    query, variables, operation = _request(body)
    schema = _schema()
    try:
        document = graphql.parse(query)
    except graphql.GraphQLSyntaxError as error:
        return {"errors": [_shown(error)]}
    if problems := graphql.validate(schema, document):
        return {"errors": [_refused(problem) for problem in problems]}
    root = {"repository": lambda _info, **asked: _repository(repository, now=now, **asked)}
    done = graphql.execute_sync(
        schema, document, root, variable_values=variables, operation_name=operation
    )
    errors: Json = {"errors": [_shown(error) for error in done.errors]} if done.errors else {}
    return errors if done.errors and done.data is None else {"data": done.data} | errors


def asked_for(body: bytes) -> str:
    """The variables of a request as one text, for the log; empty where it has none."""
    try:
        return json.dumps(_request(body)[1], sort_keys=True)
    except Refused:
        return ""


def _request(body: bytes) -> tuple[str, Json, str | None]:
    try:
        asked = json.loads(body)
    except ValueError:
        raise Refused(400, "Problems parsing JSON") from None
    fields = asked if isinstance(asked, dict) else {}
    query, variables = fields.get("query"), fields.get("variables") or {}
    if not isinstance(query, str) or not query:
        raise Refused(400, "A query attribute must be specified and must be a string.")
    if not isinstance(variables, dict):
        raise Refused(400, "Variables are invalid JSON.")
    operation = fields.get("operationName")
    return query, variables, operation if isinstance(operation, str) else None


def _schema() -> "GraphQLSchema":
    import graphql

    schema = graphql.build_schema(_SCHEMA)
    kind = schema.type_map["GitObject"]
    if isinstance(kind, graphql.GraphQLInterfaceType):
        kind.resolve_type = lambda value, _info, _kind: str(value["__typename"])
    return schema


def _repository(repository: Repository, *, now: datetime, **asked: object) -> Json:
    wanted = f"{asked['owner']}/{asked['name']}"
    name = repository.setup.name
    if wanted.lower() != name.lower():
        words = f"Could not resolve to a Repository with the name '{wanted}'."
        raise Unresolved("NOT_FOUND", words)
    tip = repository.find_commit("HEAD")

    def found(_info: object, **asked: object) -> Json | None:
        wanted = str(asked.get("oid") or asked.get("expression") or "")
        commit = repository.find_commit(wanted)
        shown = _commit(repository, commit, now=now) if commit else None
        tag = wanted.removeprefix("refs/").removeprefix("tags/")
        return _tag(tag, shown) if shown and tag in repository.setup.tags else shown

    return {
        "name": name.partition("/")[2],
        "nameWithOwner": name,
        "defaultBranchRef": {
            "name": repository.setup.default_branch,
            "target": _commit(repository, tip, now=now) if tip else None,
        },
        "object": found,
    }


def _tag(name: str, target: Json) -> Json:
    """An annotated tag, which is an object of its own and has the commit as its target."""
    oid = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    about: Json = {"oid": oid, "abbreviatedOid": oid[:7], "name": name, "message": name}
    return {"__typename": "Tag", "target": target} | about


def _commit(repository: Repository, commit: CommitSetup, *, now: datetime) -> Json:
    head, _, rest = commit.message.strip().partition("\n")
    name, email = person_of(commit)
    at = committed_at(commit, now)

    def blamed(_info: object, path: str) -> Json:
        try:
            ranges = blame(repository, commit, path=path)
        except Refused:
            raise Unresolved("NOT_FOUND", f"Could not resolve file for path '{path}'.") from None
        ages = [each.commit.age for each in ranges]
        rows: list[Json] = [
            {
                "startingLine": each.first,
                "endingLine": each.last,
                "age": 1 + sum(age < each.commit.age for age in set(ages)) % _OLDEST_AGE,
                "commit": _commit(repository, each.commit, now=now),
            }
            for each in ranges
        ]
        return {"ranges": rows}

    actor = {"name": name, "email": email, "date": at}
    return {
        "__typename": "Commit",
        "oid": commit.sha,
        "abbreviatedOid": commit.sha[:7],
        "message": commit.message,
        "messageHeadline": head,
        "messageBody": rest.strip(),
        "authoredDate": at,
        "committedDate": at,
        "author": actor,
        "committer": actor,
        "blame": blamed,
    }


def _shown(error: "GraphQLError") -> Json:
    shown: Json = {}
    if isinstance(error.original_error, Unresolved):
        shown["type"] = error.original_error.kind
    if error.path:
        shown["path"] = list(error.path)
    places = [{"line": place.line, "column": place.column} for place in error.locations or []]
    return shown | {"locations": places, "message": error.message}


def _refused(error: "GraphQLError") -> Json:
    """A request that the schema has no answer to; a wrong field in GitHub's own words."""
    shown = _shown(error)
    words = error.message.split("'")
    if error.message.startswith("Cannot query field "):
        field, kind = words[1], words[3]
        shown["message"] = f"Field '{field}' doesn't exist on type '{kind}'"
        shown["extensions"] = {"code": "undefinedField", "typeName": kind, "fieldName": field}
    elif missing := _MISSING.match(error.message):
        shown["message"] = f"Field '{missing[1]}' is missing required arguments: {missing[2]}"
        shown["extensions"] = {"code": "missingRequiredArguments", "name": missing[1]}
    return shown
