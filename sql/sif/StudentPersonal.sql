-- One row per student of the year.
-- Reads: student, Person, person_name.
SELECT
    ref_id('StudentPersonal', s.personID) AS RefId,
    nullif(trim(p.studentNumber), '') AS LocalId,
    nullif(trim(p.stateID), '') AS StateProvinceId,
    n.name AS Name,
    'Person' AS _source_table,
    CAST(s.personID AS VARCHAR) AS _source_key,
    s.personID AS _person_id,
    CASE
        WHEN p.personID IS NULL THEN concat('orphan_row: Enrollment.personID=', s.personID)
        ELSE n.orphan
    END AS _reject
FROM student s
LEFT JOIN Person p ON p.personID = s.personID
LEFT JOIN person_name n ON n.personID = s.personID
