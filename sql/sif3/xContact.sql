-- One row per contact of students of the year, whatever number of students.
-- Reads: student_contact, x_person, x_reach, and the crosswalk xrelationship.
WITH related AS (
    SELECT
        c.contactID,
        array_sort(array_agg(DISTINCT named_struct(
            'studentRefId', ref_id('xStudent', c.studentID),
            'contactSequence', c.seq,
            'livesWith', c.lives_with,
            'relationshipCode', x.sif
        ))) AS list,
        array_agg(DISTINCT c.studentID) AS students,
        min(CASE WHEN c.relation <> '' AND x.sif IS NULL THEN c.relation END) AS unmapped_relation
    FROM student_contact c
    LEFT JOIN xwalk_xrelationship x ON x.code = c.relation
    GROUP BY c.contactID
)
SELECT
    ref_id('xContact', c.contactID) AS refId,
    p.name,
    CAST(c.contactID AS VARCHAR) AS localId,
    r.phone AS phoneNumber,
    r.other_phones AS otherPhoneNumbers,
    CASE WHEN r.email IS NOT NULL THEN
        named_struct('emailAddress', r.email, 'emailType', 'Home')
    END AS email,
    p.sex,
    c.list AS relationships,
    'Person' AS _source_table,
    CAST(c.contactID AS VARCHAR) AS _source_key,
    c.contactID AS _person_id,
    c.students AS _person_ids,
    CASE
        WHEN p.personID IS NULL THEN concat('orphan_row: RelatedPair.personID2=', c.contactID)
        ELSE p.orphan
    END AS _reject,
    concat_ws('; ',
        nullif(p.unmapped_sex, ''),
        unmapped('xrelationship', c.unmapped_relation, NULL)
    ) AS _unmapped
FROM related c
LEFT JOIN x_person p ON p.personID = c.contactID
LEFT JOIN x_reach r ON r.personID = c.contactID
