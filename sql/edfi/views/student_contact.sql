-- One row per guardian of a student of the year.
-- Reads: RelatedPair, student, scope.
-- Rules: guardians only; a relationship that ended before the school year began is none.
SELECT
    r.personID1,
    r.personID2,
    trim(r.name) AS relation,
    r.seq
FROM scope y
CROSS JOIN RelatedPair r
JOIN student s ON s.personID = r.personID1
WHERE r.guardian IS TRUE AND (r.endDate IS NULL OR r.endDate >= y.year_start)
