# a lock: taken, not released by another, released
SET lock me NX PX 30000
SET lock you NX PX 30000
DELIFEQ lock you
DELIFEQ lock me
DELIFEQ lock me
SET lock me
DELEX lock IFEQ you
DELEX lock IFNE me
DELEX lock IFNE you
EXISTS lock
DELEX lock IFNE you
DELEX lock
SET lock x
DELEX lock
DELEX lock IFEQ
DELEX lock IS me
DELEX lock IFDEQ 0123456789abcdef
# set if it shows a value
SET k new IFEQ old
GET k
SET k old
SET k new IFEQ old
GET k
SET k newer IFNE new
SET k newer IFEQ new GET
SET k newest IFEQ new GET
GET k
SET k held IFEQ newer PX 100000
PTTL k
SET k held IFEQ held KEEPTTL
PTTL k
SET made x IFNE y
SET k v IFEQ
SET k v NX IFEQ v
SET k v IFEQ v XX
SET k v IFEQ v IFNE v
SET k v IFDNE 0
@siblings s one two
DELIFEQ s one
DELEX s IFNE three
DELEX s
EXISTS s
