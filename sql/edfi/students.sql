-- One row per student of the year.
-- Reads: student, person_id, person_name.
-- Rules: no unique id: skipped. The current identity only. Two persons with one id but different
-- names are both rejected (duplicate_key), because the mapping has no tie-break between persons.
SELECT
    n.birth_city AS birthCity,
    n.birth_date AS birthDate,
    n.first_name AS firstName,
    n.suffix AS generationCodeSuffix,
    n.last_name AS lastSurname,
    n.middle_name AS middleName,
    i.student_unique_id AS studentUniqueId,
    'Person' AS _source_table,
    CAST(s.personID AS VARCHAR) AS _source_key,
    s.personID AS _person_id,
    CASE WHEN i.personID IS NOT NULL AND i.student_unique_id IS NULL THEN 'no_edfi_id' END AS _skip,
    CASE
        WHEN i.personID IS NULL THEN concat('orphan_row: Enrollment.personID=', s.personID)
        ELSE n.orphan
    END AS _reject
FROM student s
LEFT JOIN person_id i ON i.personID = s.personID
LEFT JOIN person_name n ON n.personID = s.personID
