# a value keeps when it ends
SET a 1 EX 100
RENAME a b
TTL b
GET a
RENAME a b
RENAME b b
RENAME none none
SET c 2
RENAMENX b c
RENAMENX b d
RENAMENX d d
GET d
TTL d
RENAME d c
GET c
COPY c e
COPY c e
COPY none e
COPY c e REPLACE
COPY c e DB 0 REPLACE
COPY c e DB 1
COPY c e DB x
COPY c c
COPY c e NOW
TTL e
MSETNX x 1 y 2
MSETNX z 3 y 4
MGET x y z
MSETNX x
MSETNX q 1 q 2
GET q
@siblings s one two
RENAME s t
COPY s t
RENAME e s
GET s
@siblings s one two
MSETNX r 1 s 2
EXISTS r
TOUCH s x nothing x
MULTI
SET m 1
RENAME m n
COPY n m
MSETNX n 1
EXEC
