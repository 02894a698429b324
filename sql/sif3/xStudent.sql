-- One row per student of the year.
-- Reads: student, x_person, x_reach, x_enrollment, student_contact.
WITH others AS (
    SELECT
        personID,
        array_sort(array_agg(enrollment)) AS list
    FROM x_enrollment
    WHERE place > 1
    GROUP BY personID
),
contacts AS (
    SELECT
        studentID,
        array_sort(array_agg(DISTINCT named_struct('value', ref_id('xContact', contactID))))
            AS list
    FROM student_contact
    GROUP BY studentID
)
SELECT
    ref_id('xStudent', s.personID) AS refId,
    p.name,
    p.student_number AS localId,
    p.state_id AS stateProvinceId,
    r.phone AS phoneNumber,
    r.other_phones AS otherPhoneNumbers,
    CASE WHEN r.email IS NOT NULL THEN
        named_struct('emailAddress', r.email, 'emailType', 'Other')
    END AS email,
    p.demographics,
    e.enrollment,
    o.list AS otherEnrollments,
    CASE WHEN c.list IS NOT NULL THEN
        named_struct('contactPersonRefId', c.list)
    END AS studentContacts,
    'Person' AS _source_table,
    CAST(s.personID AS VARCHAR) AS _source_key,
    s.personID AS _person_id,
    CASE
        WHEN p.personID IS NULL THEN concat('orphan_row: Enrollment.personID=', s.personID)
        ELSE p.orphan
    END AS _reject,
    concat_ws('; ', nullif(p.unmapped_codes, ''), nullif(e.unmapped_grade, '')) AS _unmapped
FROM student s
LEFT JOIN x_person p ON p.personID = s.personID
LEFT JOIN x_reach r ON r.personID = s.personID
LEFT JOIN x_enrollment e ON e.personID = s.personID AND e.place = 1
LEFT JOIN others o ON o.personID = s.personID
LEFT JOIN contacts c ON c.studentID = s.personID
