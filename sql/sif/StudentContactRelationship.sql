-- One row per student of the year and contact.
-- Reads: student_contact, Person, and the crosswalk relationship.
-- Rules: what the SIS does not know of a contact is not said.
SELECT
    ref_id('StudentContactRelationship', c.studentID, c.contactID) AS RefId,
    ref_id('StudentPersonal', c.studentID) AS StudentPersonalRefId,
    ref_id('StudentContactPersonal', c.contactID) AS StudentContactPersonalRefId,
    named_struct('Code', x.sif) AS Relationship,
    named_struct(
        'ParentLegalGuardian', CASE WHEN c.guardian THEN 'Yes' ELSE 'No' END,
        'LivesWith', CASE c.lives_with WHEN true THEN 'Yes' WHEN false THEN 'No' ELSE 'Unknown' END,
        'AccessToRecords', CASE c.portal WHEN true THEN 'Yes' WHEN false THEN 'No' ELSE 'Unknown' END
    ) AS ContactFlags,
    c.seq AS ContactSequence,
    'RelatedPair' AS _source_table,
    concat(c.studentID, '/', c.contactID) AS _source_key,
    c.studentID AS _person_id,
    make_array(c.contactID) AS _person_ids,
    CASE WHEN p.personID IS NULL THEN
        concat('orphan_row: RelatedPair.personID2=', c.contactID)
    END AS _reject,
    unmapped('relationship', c.relation, x.sif) AS _unmapped
FROM student_contact c
LEFT JOIN Person p ON p.personID = c.contactID
LEFT JOIN xwalk_relationship x ON x.code = c.relation
