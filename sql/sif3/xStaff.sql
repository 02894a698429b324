-- One row per staff member of the year.
-- Reads: staff, x_person, x_reach, assignment_scope, School.
-- Rules: the primary assignment is the one that began first; the others follow it. Schools that are
-- missing are left out here; the classic StaffAssignment rejects and shows them.
WITH places AS (
    SELECT
        a.personID,
        named_struct(
            'leaRefId', ref_id('xLea', s.districtID),
            'schoolRefId', ref_id('xSchool', a.schoolID)
        ) AS place,
        row_number() OVER (
            PARTITION BY a.personID ORDER BY a.startDate, a.assignmentID
        ) AS number
    FROM assignment_scope a
    JOIN School s ON s.schoolID = a.schoolID
    WHERE a.orphan IS NULL
),
firsts AS (
    SELECT personID, place FROM places WHERE number = 1
),
others AS (
    SELECT
        p.personID,
        array_sort(array_agg(DISTINCT p.place)) AS list
    FROM places p
    JOIN firsts f ON f.personID = p.personID
    WHERE p.number > 1 AND p.place <> f.place
    GROUP BY p.personID
)
SELECT
    ref_id('xStaff', s.personID) AS refId,
    p.name,
    p.staff_number AS localId,
    p.staff_state_id AS stateProvinceId,
    p.sex,
    CASE WHEN r.email IS NOT NULL THEN
        named_struct('emailAddress', r.email, 'emailType', 'Work')
    END AS email,
    f.place AS primaryAssignment,
    o.list AS otherAssignments,
    'Person' AS _source_table,
    CAST(s.personID AS VARCHAR) AS _source_key,
    s.personID AS _person_id,
    CASE
        WHEN p.personID IS NULL THEN concat('orphan_row: Person.personID=', s.personID)
        ELSE p.orphan
    END AS _reject,
    p.unmapped_sex AS _unmapped
FROM staff s
LEFT JOIN x_person p ON p.personID = s.personID
LEFT JOIN x_reach r ON r.personID = s.personID
LEFT JOIN firsts f ON f.personID = s.personID
LEFT JOIN others o ON o.personID = s.personID
