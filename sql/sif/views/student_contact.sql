-- One row per student and contact: a relationship that holds today.
-- Reads: RelatedPair, student, enrollment_scope, person_household, scope.
-- Rules: a contact is not enrolled in the school year (siblings are students of their own).
SELECT
    p.personID1 AS studentID,
    p.personID2 AS contactID,
    trim(p.name) AS relation,
    p.guardian,
    p.portal,
    p.seq,
    sh.householdID = ch.householdID AS lives_with
FROM scope y
CROSS JOIN RelatedPair p
JOIN student s ON s.personID = p.personID1
LEFT JOIN (
    SELECT personID FROM enrollment_scope GROUP BY personID
) e ON e.personID = p.personID2
LEFT JOIN person_household sh ON sh.personID = p.personID1
LEFT JOIN person_household ch ON ch.personID = p.personID2
WHERE e.personID IS NULL
    AND (p.startDate IS NULL OR p.startDate <= y.as_of)
    AND (p.endDate IS NULL OR p.endDate >= y.as_of)
