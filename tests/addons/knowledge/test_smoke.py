from tests.addons.knowledge.steps import *
async def test_x(as_role):
    m = await as_role("KNOWLEDGE_MANAGER")
    d = await uploaded(m, "# Traffic log\n\n| Field | Meaning |\n|---|---|\n| src_ip | Source <b>address</b> |\n| cs-uri-stem | stem |\n\n## Notes\n\nThe client is c-ip here.\n")
    print(d)
    for q in ("src_ip","srcip","srcIp","cs-uri-stem","c-ip","source address", "traffic client nonsenseword", "ip", '"source address"', "-", "addresses", "&|!", "the"):
        a=(await m.get(SEARCH, params={"q":q})).json()
        print(q, [(i["ordinal"],i["rank"],i["snippet"]) for i in a["items"]], a["matched"])
    print((await m.get(f"{PATH}/{d['id']}")).json())
    print((await m.get(PATH)).json())
    r=await m.patch(f"{PATH}/{d['id']}", json={"title":"Neu"}, headers={"If-Match":'"x"'}); print(r.status_code, r.text)
    r=await m.patch(f"{PATH}/{d['id']}", json={"title":"Neu"}); print(r.status_code, r.text, r.headers)
    r=await m.delete(f"{PATH}/{d['id']}"); print(r.status_code, r.text)
    print(a["vectors"])
    r=await upload(m, b"PK\x03\x04asdasdas"); print(r.text)
