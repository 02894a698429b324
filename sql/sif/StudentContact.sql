-- One row per student of the year and contact: the object that was there before
-- StudentContactPersonal and StudentContactRelationship, for third parties that know no other.
-- Reads: student_contact, Person, person_name, person_address, person_reach, and the crosswalk
-- relationship.
SELECT
    ref_id('StudentContact', c.studentID, c.contactID) AS RefId,
    ref_id('StudentPersonal', c.studentID) AS StudentPersonalRefId,
    CAST(c.contactID AS VARCHAR) AS LocalId,
    n.name AS Name,
    a.addresses AS AddressList,
    r.phones AS PhoneNumberList,
    r.emails AS EmailList,
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
    CASE
        WHEN p.personID IS NULL THEN concat('orphan_row: RelatedPair.personID2=', c.contactID)
        ELSE n.orphan
    END AS _reject,
    unmapped('relationship', c.relation, x.sif) AS _unmapped
FROM student_contact c
LEFT JOIN Person p ON p.personID = c.contactID
LEFT JOIN person_name n ON n.personID = c.contactID
LEFT JOIN person_address a ON a.personID = c.contactID
LEFT JOIN person_reach r ON r.personID = c.contactID
LEFT JOIN xwalk_relationship x ON x.code = c.relation
