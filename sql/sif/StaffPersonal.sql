-- One row per staff member of the year.
-- Reads: staff, Person, person_name, person_reach, assignment_scope.
-- Rules: the title is that of the assignment that began first.
WITH titles AS (
    SELECT
        personID,
        first_value(coalesce(title, type) ORDER BY startDate, assignmentID) AS title
    FROM assignment_scope
    GROUP BY personID
)
SELECT
    ref_id('StaffPersonal', s.personID) AS RefId,
    nullif(trim(p.staffNumber), '') AS LocalId,
    coalesce(nullif(trim(p.staffStateID), ''), nullif(trim(p.stateID), '')) AS StateProvinceId,
    n.name AS Name,
    t.title AS Title,
    r.phones AS PhoneNumberList,
    r.emails AS EmailList,
    'Person' AS _source_table,
    CAST(s.personID AS VARCHAR) AS _source_key,
    s.personID AS _person_id,
    CASE
        WHEN p.personID IS NULL THEN concat('orphan_row: Person.personID=', s.personID)
        ELSE n.orphan
    END AS _reject
FROM staff s
LEFT JOIN Person p ON p.personID = s.personID
LEFT JOIN person_name n ON n.personID = s.personID
LEFT JOIN person_reach r ON r.personID = s.personID
LEFT JOIN titles t ON t.personID = s.personID
