# What is no number as Redis prints one, options given twice, and which of two mistakes is told.
SET n 007
INCR n
SET n +1
INCR n
SET n -0
INCRBY n 1
SET n -7
INCR n
SET n 0
DECR n
INCRBY n 01
INCRBY n +1
DECRBY n -0
EXPIRE n 007
EXPIRE n abc BAD
EXPIRE n 10 BAD
EXPIRE n abc
EXPIRE none abc
SET k v EX 1 EX 20
TTL k
SET k v EX 1 PX 2
SET k v EX 1 EX
SET k v EX abc BAD
SET k v EX abc
SET k v KEEPTTL KEEPTTL
SET k v KEEPTTL EX 1
SET k v EX 1 KEEPTTL
SET k v XX XX GET GET
SET k v NX XX
SET k v PERSIST
GETEX none EX abc
GETEX none EX 0
GETEX none BAD
GETEX none EX
GETEX none EX 1 PERSIST
GETEX none PERSIST PERSIST
GETEX k EX abc
GETEX k EX 0
GETEX k EX 1 EX 200
TTL k
GETEX k PERSIST PERSIST
TTL k
GETEX k PX 1 EX 2
GETEX k KEEPTTL
AUTH default anything
AUTH anything
AUTH other anything
WAIT 0 -1
SELECT 0
SELECT 1
SELECT -1
MULTI
EXEC 1
EXEC
