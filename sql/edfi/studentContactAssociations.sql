-- One row per student of the year and guardian.
-- Reads: student_contact, person_id, and the crosswalk relation.
-- Rules: the relationship's seq is the priority; the first is the primary contact.
SELECT
    r.seq AS contactPriority,
    named_struct('contactUniqueId', c.contact_unique_id) AS contactReference,
    r.seq = 1 AS primaryContactStatus,
    x.descriptor AS relationDescriptor,
    named_struct('studentUniqueId', s.student_unique_id) AS studentReference,
    'RelatedPair' AS _source_table,
    concat(r.personID1, '/', r.personID2) AS _source_key,
    r.personID1 AS _person_id,
    r.personID2 AS _person_ids,
    CASE
        WHEN (s.personID IS NOT NULL AND s.student_unique_id IS NULL)
            OR (c.personID IS NOT NULL AND c.contact_unique_id IS NULL) THEN 'no_edfi_id'
    END AS _skip,
    CASE
        WHEN s.personID IS NULL THEN concat('orphan_row: RelatedPair.personID1=', r.personID1)
        WHEN c.personID IS NULL THEN concat('orphan_row: RelatedPair.personID2=', r.personID2)
    END AS _reject,
    unmapped('relation', r.relation, x.descriptor) AS _unmapped
FROM student_contact r
LEFT JOIN person_id s ON s.personID = r.personID1
LEFT JOIN person_id c ON c.personID = r.personID2
LEFT JOIN xwalk_relation x ON x.code = r.relation
